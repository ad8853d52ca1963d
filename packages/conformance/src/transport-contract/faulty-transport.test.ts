import { linkedPair, type Transport } from "@arcp/core";
import { expect, test } from "vitest";
import type { OpenConnection, OpenTransport } from "./transport-case.ts";
import { transportContract } from "./transport-contract.ts";

/** The fault of a spoilt end. */
type Spoil = (good: Transport) => Partial<Transport>;

/** What is wrong, and which promise it breaks. */
const faults: Readonly<Record<string, readonly [spoil: Spoil, broken: string]>> = {
  "two frames change places": [
    (good) => ({ send: (frames) => good.send([...frames].reverse()) }),
    "R-4-1: frames of any size arrive in order",
  ],
  "a frame at a time, so that others get in between": [
    (good) => ({
      async send(frames) {
        for (const frame of frames) {
          await Promise.resolve();
          await good.send([frame]);
        }
      },
    }),
    "nothing gets in between the frames of one send",
  ],
  "an empty batch is an empty frame": [
    (good) => ({ send: (frames) => good.send(frames.length === 0 ? [""] : frames) }),
    "an empty batch sends nothing",
  ],
  "frames are split at what looks like the end of a line": [
    (good) => ({ send: (frames) => good.send(frames.flatMap((one) => one.split("\u2028"))) }),
    "R-4-5: text of every script arrives as it was",
  ],
  "a mark of byte order is taken away": [
    (good) => ({ send: (frames) => good.send(frames.map((one) => one.replace("\ufeff", ""))) }),
    "R-4-5: text of every script arrives as it was",
  ],
  "large frames are cut": [
    (good) => ({ send: (frames) => good.send(frames.map((one) => one.slice(0, 1_000_000))) }),
    "R-4.1-7: a frame of 1 MiB passes, also between small ones",
  ],
  "encoded text is let go before it is written": [
    (good) => ({
      sendParts(frames) {
        const parts = frames.map((one) => {
          if (typeof one === "string") return () => one;
          const { bytes, letGo } = one[1].hold();
          letGo();
          return () => one[0] + new TextDecoder().decode(bytes);
        });
        return good.send(parts.map((text) => text()));
      },
    }),
    "a frame in two parts arrives as one",
  ],
  "the array is read later": [
    (good) => ({ send: (frames) => Promise.resolve().then(() => good.send(frames)) }),
    "R-4-5: what arrives are strings, and nothing is shared",
  ],
  "no back-pressure": [
    (good) => ({
      async send(frames) {
        good.send(frames).catch(() => {});
      },
    }),
    "R-4.1-10: send stays pending while nobody reads, and resolves once somebody does",
  ],
  "a send after the close is forgotten in silence": [
    (good) => ({ send: (frames) => good.send(frames).catch(() => {}) }),
    "a send after a close of its own rejects, and sends nothing",
  ],
  "a close throws when there was one": [
    (good) => {
      let closed = false;
      return {
        close(reason) {
          if (closed) throw new Error("closed already");
          closed = true;
          good.close(reason);
        },
      };
    },
    "only the first close counts",
  ],
  "the reason is lost": [
    (good) => ({ close: () => good.close("fault") }),
    "a close as refused fails the peer with it",
  ],
  "a break looks like an end in good order": [
    (good) => ({ frames: quiet(good.frames) }),
    "R-4-4: a break fails both ends, without a reason",
  ],
  "another error for a break": [
    (good) => ({
      frames: (async function* () {
        try {
          yield* good.frames;
        } catch {
          throw new Error("ECONNRESET");
        }
      })(),
    }),
    "R-4-4: a break fails both ends, without a reason",
  ],
  "a reader that stops closes the connection": [
    (good) => ({
      frames: (async function* () {
        try {
          yield* good.frames;
        } finally {
          good.close();
        }
      })(),
    }),
    "a reader that stops early ends nothing",
  ],
};

test.each(Object.entries(faults))("%s: the contract detects it", async (_what, [spoil, broken]) => {
  const failures: unknown[] = [];
  const cases = transportContract.filter(({ name }) => name.startsWith(broken));
  expect(cases).not.toEqual([]);
  for (const transportCase of cases)
    await transportCase.run(faulty(spoil)).catch((error) => failures.push(error));
  expect(failures).not.toEqual([]);
});

/** Both ends are spoilt alike. */
function faulty(spoil: Spoil): OpenTransport<OpenConnection & { sever(): void }> {
  return {
    async open() {
      const { client, runtime, sever } = linkedPair();
      return { client: spoilt(client, spoil), runtime: spoilt(runtime, spoil), sever };
    },
    sever: (connection) => connection.sever(),
    reasons: true,
  };
}

function spoilt(good: Transport, spoil: Spoil): Transport {
  return {
    frames: good.frames,
    send: (frames) => good.send(frames),
    close: (reason) => good.close(reason),
    ...spoil(good),
  };
}

async function* quiet(frames: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* frames;
  } catch {}
}
