import { type CloseReason, type Frame, ManualClock, type Transport } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { LongText } from "../store/long-text.ts";
import { DEFAULT_TURN_LIMITS, Turn } from "../turn.ts";
import { Outbox } from "./outbox.ts";

const encoded = (text: string): LongText => LongText.ofAscii(text);

/** A transport whose sends the test settles. */
function sending(more: Pick<Transport, "sendParts"> = {}) {
  const clock = new ManualClock();
  const turn = new Turn(clock, DEFAULT_TURN_LIMITS, () => {});
  const writes: string[][] = [];
  const sends: Array<PromiseWithResolvers<void>> = [];
  const closes: Array<CloseReason | undefined> = [];
  const transport: Transport = {
    frames: (async function* () {})(),
    send(frames) {
      writes.push([...frames]);
      const sent = Promise.withResolvers<void>();
      sends.push(sent);
      return sent.promise;
    },
    close: (reason) => void closes.push(reason),
    ...more,
  };
  return { clock, turn, writes, sends, closes, outbox: new Outbox(transport, clock, turn) };
}

test("what is sent in one turn leaves in one write, and what follows waits for room", async () => {
  const { outbox, writes, sends } = sending();
  void outbox.send(["a"]);
  const first = outbox.send(["b", "c"]);
  await settled(1);
  expect(writes).toEqual([["a", "b", "c"]]);
  const second = outbox.send(["d"]);
  void outbox.send(["e"]);
  await settled(1);
  expect(writes).toHaveLength(1);
  sends[0]?.resolve();
  expect(await first).toBe(true);
  await settled(1);
  expect(writes).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
  sends[1]?.resolve();
  expect(await second).toBe(true);
});

test("a transport that takes no parts gets them joined, and one that does gets them as they are", async () => {
  const frames: Frame[] = ["a", ["b", encoded("c")]];
  const { outbox, writes } = sending();
  void outbox.send(frames);
  const written: Array<readonly Frame[]> = [];
  const taking = sending({ sendParts: async (frames) => void written.push([...frames]) });
  void taking.outbox.send(frames);
  await settled(1);
  expect(writes).toEqual([["a", "bc"]]);
  expect(written).toEqual([frames]);
  expect(taking.writes).toEqual([]);
});

test("waiting frames are counted, encoded or not", async () => {
  const half = "x".repeat(1024 * 1024);
  for (const frame of [`${half}${half}x`, [half, encoded(`${half}x`)] as const]) {
    const { outbox } = sending();
    void outbox.send(["first"]);
    await settled(1);
    void outbox.send([half + half]);
    expect(outbox.pressure()).toBeUndefined();
    void outbox.send([frame]);
    expect(outbox.pressure()).toBeDefined();
  }
});

test("the first reply of a turn leaves at once, and later ones in order, in one write with what is sent next", async () => {
  const { outbox, turn, writes, sends } = sending();
  outbox.reply("a");
  await undefined;
  expect(writes).toEqual([["a"]]);
  sends[0]?.resolve();
  for (let step = 0; step < 20; step++) await undefined;
  outbox.reply("b");
  for (let step = 0; step < 20; step++) await undefined;
  outbox.reply("c");
  expect(writes).toHaveLength(1);
  const sent = outbox.send(["d"]);
  await undefined;
  expect(writes.slice(1)).toEqual([["b", "c", "d"]]);
  sends[1]?.resolve();
  expect(await sent).toBe(true);
  // The close that the first reply waited for finds nothing to write.
  await turn.closed();
  await settled(1);
  expect(writes).toHaveLength(2);
});

test("replies after the first leave when their turn closes at the latest, and each turn has a first one", async () => {
  const { outbox, turn, writes, sends } = sending();
  for (const [first, second] of [
    ["a", "b"],
    ["c", "d"],
  ]) {
    const before = writes.length;
    outbox.reply(first ?? "");
    await undefined;
    sends.at(-1)?.resolve();
    for (let step = 0; step < 20; step++) await undefined;
    outbox.reply(second ?? "");
    for (let step = 0; step < 20; step++) await undefined;
    expect(writes.slice(before)).toEqual([[first]]);
    await turn.closed();
    await undefined;
    await undefined;
    expect(writes.slice(before)).toEqual([[first], [second]]);
    sends.at(-1)?.resolve();
    for (let step = 0; step < 20; step++) await undefined;
  }
});

test("R-4.1-10: replies that are large enough for a write of their own do not wait for the turn to close", async () => {
  const { outbox, writes, sends } = sending();
  outbox.reply("first");
  await undefined;
  sends[0]?.resolve();
  for (let step = 0; step < 20; step++) await undefined;
  outbox.reply("a".repeat(64 * 1024 - 1));
  await undefined;
  expect(writes.length).toBe(1);
  outbox.reply("b");
  await undefined;
  expect(writes.map((frames) => frames.length)).toEqual([1, 2]);
});

test("R-4.1-11: a reply is delivered before an orderly end of the connection, and not at all when it is closed", async () => {
  const ended = sending();
  ended.outbox.reply("last word");
  ended.outbox.finish("normal");
  expect(ended.closes).toEqual([]);
  await settled(2);
  expect(ended.writes).toEqual([["last word"]]);
  ended.sends[0]?.resolve();
  await ended.outbox.closed;

  const cut = sending();
  cut.outbox.reply("too late");
  cut.outbox.close("refused");
  await settled(2);
  expect(cut.writes).toEqual([]);
});

test("R-4.1-11: the last word follows a send that is still pending, and only then the transport closes", async () => {
  const { outbox, writes, sends, closes } = sending();
  void outbox.send(["event"]);
  await settled(1);
  void outbox.send(["last word"]);
  outbox.finish("refused");
  expect(await outbox.send(["too late"])).toBe(false);
  await settled(1);
  expect(closes).toEqual([]);
  sends[0]?.resolve();
  await settled(1);
  expect(writes).toEqual([["event"], ["last word"]]);
  expect(closes).toEqual([]);
  sends[1]?.resolve();
  await outbox.closed;
  expect(closes).toEqual(["refused"]);
});

test("a last word that nobody takes is given up after two seconds", async () => {
  const { outbox, clock, closes } = sending();
  const sent = outbox.send(["last word"]);
  outbox.finish("going-away");
  await settled(1);
  clock.advance(1999);
  expect(closes).toEqual([]);
  clock.advance(1);
  expect(closes).toEqual(["going-away"]);
  expect(await sent).toBe(false);
  await outbox.closed;
  expect(clock.pending).toBe(0);
});

test.each([
  { what: "is still waiting", frames: ["event", "last word"], reason: "going-away" },
  { what: "was taken", frames: ["last word"], reason: "refused" },
])(
  "R-4.1-11, R-6.3-15: after two seconds a refusal whose last word $what closes as $reason, since otherwise it means a takeover",
  async ({ frames, reason }) => {
    const { outbox, clock, closes } = sending();
    for (const frame of frames) {
      void outbox.send([frame]);
      await settled(1);
    }
    outbox.finish("refused");
    clock.advance(2000);
    expect(closes).toEqual([reason]);
  },
);

test("with nothing to deliver the transport closes at once, and once", async () => {
  const { outbox, clock, closes } = sending();
  outbox.finish("normal");
  outbox.finish("fault");
  outbox.close("fault");
  await outbox.closed;
  expect(closes).toEqual(["normal"]);
  expect(clock.pending).toBe(0);
});

test("a failed transport takes nothing more; its reader decides when to close", async () => {
  const { outbox, sends, writes, closes } = sending();
  const first = outbox.send(["a"]);
  await settled(1);
  const second = outbox.send(["b"]);
  sends[0]?.reject(new Error("gone"));
  expect(await first).toBe(false);
  expect(await second).toBe(false);
  expect(await outbox.send(["c"])).toBe(false);
  expect(writes).toEqual([["a"]]);
  expect(closes).toEqual([]);
  outbox.finish("normal");
  expect(closes).toEqual(["normal"]);
});

test("R-4.1-10: above two million waiting characters the connection must stop reading", async () => {
  const { outbox, sends } = sending();
  void outbox.send(["in flight"]);
  await settled(1);
  void outbox.send(["x".repeat(1024 * 1024)]);
  expect(outbox.pressure()).toBeUndefined();
  void outbox.send(["x".repeat(1024 * 1024 + 1)]);
  const pressure = outbox.pressure();
  expect(pressure).toBeInstanceOf(Promise);
  sends[0]?.resolve();
  await settled(1);
  expect(outbox.pressure()).toBeUndefined();
  sends[1]?.resolve();
  await pressure;
});
