import assert from "node:assert/strict";
import { HIGH_WATER_MARK, type Transport } from "@arcp/core";
import { isHeldBack, soon } from "./patience.ts";
import { Reader, refusal } from "./reader.ts";
import { frame, frames, sameFrames } from "./sample-frame.ts";
import { bothWays, type TransportCase } from "./transport-case.ts";

/** Bytes that a sender may get rid of although nobody reads them: the system's buffers count too. */
const CAPACITY = 32 * 1024 * 1024;
const FRAME = 64 * 1024;

interface Filled {
  readonly sent: readonly string[];
  /** The send that is held back; its failure does no harm. */
  readonly pending: Promise<void>;
}

/** Sends until a send stays pending. */
export async function fill(end: Transport): Promise<Filled> {
  const sent: string[] = [];
  for (;;) {
    const one = frame(sent.length, FRAME);
    sent.push(one);
    const pending = end.send([one]);
    pending.catch(() => {});
    if (await isHeldBack(pending)) return { sent, pending };
    assert(
      sent.length * FRAME < CAPACITY,
      `${sent.length * FRAME} bytes were sent that nobody reads, and send still resolves`,
    );
  }
}

export const backPressureCases: readonly TransportCase[] = [
  ...bothWays(
    "R-4.1-10: send stays pending while nobody reads, and resolves once somebody does",
    [],
    async ({ here, there }) => {
      const { sent, pending } = await fill(here);
      sameFrames(await new Reader(there).take(sent.length), sent);
      await soon(pending, "the send that was held back");
    },
  ),

  ...bothWays(
    "R-4.1-10: what is sent while a send is held back follows it in order",
    [],
    async ({ here, there }) => {
      const { sent, pending } = await fill(here);
      const more = frames(20, sent.length);
      const sending = more.map((one) => here.send([one]));
      sameFrames(await new Reader(there).take(sent.length + 20), [...sent, ...more]);
      await soon(Promise.all([pending, ...sending]), "the sends that were held back");
    },
  ),

  ...bothWays("R-4.1-10: the other direction goes on meanwhile", [], async ({ here, there }) => {
    const { pending } = await fill(here);
    const reader = new Reader(here);
    for (let i = 0; i < 10; i++) {
      await soon(there.send([frame(i)]), "a send in the other direction");
      sameFrames(await reader.take(1), [frame(i)]);
    }
    assert(await isHeldBack(pending), "what nobody has read is not held back any more");
  }),

  ...bothWays(
    "R-4.1-10: a slow reader gets everything, and bounds what is on its way",
    [],
    async ({ here, there }) => {
      const count = (2 * CAPACITY) / FRAME;
      let taken = 0;
      let most = 0;
      const pour = async (): Promise<void> => {
        for (let i = 0; i < count; i++) {
          await here.send([frame(i, FRAME)]);
          most = Math.max(most, i + 1 - taken);
        }
      };
      const read = async (): Promise<void> => {
        const reader = new Reader(there);
        for (; taken < count; taken++) sameFrames(await reader.take(1), [frame(taken, FRAME)]);
      };
      await Promise.all([pour(), read()]);
      assert(most * FRAME < CAPACITY, `${most * FRAME} bytes were on their way at once`);
    },
  ),

  ...bothWays("R-4.1-10: a batch beyond the mark passes", [], async ({ here, there }) => {
    const sent = frames((4 * HIGH_WATER_MARK) / 1024, 0, 1024);
    const sending = here.send(sent);
    sameFrames(await new Reader(there).take(sent.length), sent);
    await soon(sending, "the large batch");
  }),

  ...bothWays("R-4.1-10: a pending send rejects when its own side closes", [], async (stage) => {
    const { pending } = await fill(stage.here);
    stage.here.close("going-away");
    assert.equal(await refusal(pending, "the send that was held back"), "going-away");
  }),

  ...bothWays("a pending send does not outlive a close by the peer", [], async (stage) => {
    const { pending } = await fill(stage.here);
    stage.there.close();
    // Its batch may just have been taken; the next one rejects.
    await soon(
      pending.catch(() => {}),
      "the send that was held back",
    );
    await new Reader(stage.here).ending();
    await refusal(stage.here.send(["late"]), "a send after the peer's close");
  }),

  ...bothWays(
    "R-4-4: a pending send rejects when the connection breaks",
    ["sever"],
    async ({ here, sever }) => {
      const { pending } = await fill(here);
      await sever();
      assert.equal(await refusal(pending, "the send that was held back"), undefined);
    },
  ),
];
