import { Reader } from "./reader.ts";
import { frame, frames, sameFrames } from "./sample-frame.ts";
import { bothWays, type TransportCase, transportCase } from "./transport-case.ts";

const COUNT = 10_000;

export const orderCases: readonly TransportCase[] = [
  ...bothWays("R-4-1: frames of any size arrive in order", [], async ({ here, there }) => {
    const sizes = [0, 200, 70_000, 30, 3_000, 0];
    const sent = Array.from({ length: 600 }, (_, i) => frame(i, sizes[i % sizes.length]));
    const arrived = new Reader(there).take(sent.length);
    for (let i = 0, batch = 1; i < sent.length; i += batch, batch = (batch % 40) + 1) {
      await here.send(sent.slice(i, i + batch));
    }
    sameFrames(await arrived, sent);
  }),

  ...bothWays("R-4-1: sends that nobody awaits keep their order", [], async ({ here, there }) => {
    const sent = frames(300, 0, 4_000);
    const sending = sent.map((one) => here.send([one]));
    sameFrames(await new Reader(there).take(sent.length), sent);
    await Promise.all(sending);
  }),

  ...bothWays(`R-4-1: ${COUNT} small frames, one by one`, [], async ({ here, there }) => {
    const sent = frames(COUNT);
    const arrived = new Reader(there).take(COUNT);
    for (const one of sent) await here.send([one]);
    sameFrames(await arrived, sent);
  }),

  ...bothWays(`R-4-1: ${COUNT} small frames at once`, [], async ({ here, there }) => {
    const sent = frames(COUNT);
    const sending = here.send(sent);
    sameFrames(await new Reader(there).take(COUNT), sent);
    await sending;
  }),

  ...bothWays("nothing gets in between the frames of one send", [], async ({ here, there }) => {
    const batches = Array.from({ length: 20 }, (_, i) => frames(50, i * 50, 2_000));
    const sending = batches.map((batch) => here.send(batch));
    sameFrames(await new Reader(there).take(1_000), batches.flat());
    await Promise.all(sending);
  }),

  ...bothWays("an empty batch sends nothing", [], async ({ here, there }) => {
    await here.send([]);
    await here.send(["1"]);
    await Promise.all([here.send([]), here.send(["2"]), here.send([])]);
    here.close();
    sameFrames((await new Reader(there).rest()).frames, ["1", "2"]);
  }),

  transportCase("R-4-1: both directions at once", [], async (open) => {
    const connection = await open.open();
    const { client, runtime } = connection;
    try {
      const sent = frames(400, 0, 10_000);
      const arriving = [client, runtime].map((end) => new Reader(end).take(sent.length));
      const pour = async (end: typeof client): Promise<void> => {
        for (let i = 0; i < sent.length; i += 8) await end.send(sent.slice(i, i + 8));
      };
      const [down = [], up = []] = await Promise.all([
        ...arriving,
        ...[client, runtime].map((end) => pour(end).then(() => [])),
      ]);
      sameFrames(down, sent);
      sameFrames(up, sent);
    } finally {
      client.close();
      runtime.close();
      await open.release?.(connection);
    }
  }),
];
