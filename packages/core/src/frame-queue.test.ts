import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { FrameQueue } from "./frame-queue.ts";

async function collect(frames: AsyncIterable<string>): Promise<string[]> {
  const seen: string[] = [];
  for await (const frame of frames) seen.push(frame);
  return seen;
}

test("R-4-1: frames come out in the order in which they were pushed, before and during reading", async () => {
  const queue = new FrameQueue();
  queue.push("a");
  queue.push("b");
  const all = collect(queue);
  await Promise.resolve();
  queue.push("c");
  await Promise.resolve();
  queue.push("d");
  queue.end();
  expect(await all).toEqual(["a", "b", "c", "d"]);
});

test("frames that arrived before the end are still delivered, then the stream ends", async () => {
  const queue = new FrameQueue();
  queue.push("a");
  queue.end();
  queue.push("too late");
  expect(await collect(queue)).toEqual(["a"]);
});

test("frames that arrived before a failure are still delivered, then the stream fails", async () => {
  const queue = new FrameQueue();
  const broken = new Error("broken");
  queue.push("a");
  queue.end(broken);
  const reader = queue[Symbol.asyncIterator]();
  expect(await reader.next()).toEqual({ done: false, value: "a" });
  await expect(reader.next()).rejects.toBe(broken);
});

test("the end wakes a waiting reader, and only the first end counts", async () => {
  const queue = new FrameQueue();
  const waiting = collect(queue);
  await Promise.resolve();
  queue.end();
  queue.end(new Error("too late"));
  expect(await waiting).toEqual([]);
  expect(await collect(queue)).toEqual([]);
});

test("an empty frame is a frame", async () => {
  const queue = new FrameQueue();
  queue.push("");
  queue.end();
  expect(await collect(queue)).toEqual([""]);
});

test("R-4.1-10: it reports how much is waiting, and when something was taken", async () => {
  let taken = 0;
  const queue = new FrameQueue(() => taken++);
  queue.push("abc");
  queue.push("de");
  expect([queue.waiting, taken]).toEqual([5, 0]);
  const reader = queue[Symbol.asyncIterator]();
  await reader.next();
  expect([queue.waiting, taken]).toEqual([2, 1]);
  await reader.next();
  expect([queue.waiting, taken]).toEqual([0, 2]);
});

test("R-4.1-10: an empty frame counts as well, so that a flood of them is noticed", async () => {
  const queue = new FrameQueue();
  for (let n = 0; n < 3; n++) queue.push("");
  expect(queue.waiting).toBe(3);
  await queue[Symbol.asyncIterator]().next();
  expect(queue.waiting).toBe(2);
});

test("it tells when the reader begins to wait: all frames so far have been handled", async () => {
  let told = 0;
  const queue = new FrameQueue(() => told++);
  const reader = queue[Symbol.asyncIterator]();
  const first = reader.next();
  expect(told).toBe(1);
  queue.push("a");
  await first;
  expect(told).toBe(2);
  const second = reader.next();
  expect(told).toBe(3);
  queue.end();
  await second;
  await reader.next();
  expect(told).toBe(3);
});

test("a frame that is pushed because the reader began to wait reaches it", async () => {
  const queue: FrameQueue = new FrameQueue(() => queue.push("pulled"));
  expect(await queue[Symbol.asyncIterator]().next()).toEqual({ done: false, value: "pulled" });
});

test.each(["before its end", "after its end"])(
  "a break %s drops the unread frames from the count and from delivery",
  async (when) => {
    const queue = new FrameQueue();
    queue.push("a");
    if (when === "after its end") queue.end();
    queue.break(new Error("pulled out"));
    expect(queue.waiting).toBe(0);
    queue.push("b");
    queue.end();
    await expect(collect(queue)).rejects.toThrow("pulled out");
  },
);

test("a reader that stops early leaves the rest to the next one", async () => {
  const queue = new FrameQueue();
  for (const frame of ["a", "b", "c"]) queue.push(frame);
  for await (const frame of queue) {
    expect(frame).toBe("a");
    break;
  }
  queue.end();
  expect(await collect(queue)).toEqual(["b", "c"]);
});

test("order holds in a queue that never runs empty", async () => {
  const queue = new FrameQueue();
  const reader = queue[Symbol.asyncIterator]();
  queue.push("0");
  for (let i = 1; i <= 3000; i++) {
    queue.push(String(i));
    expect((await reader.next()).value).toBe(String(i - 1));
  }
  expect(queue.waiting).toBe(4);
});

test("R-4.1-10: a queue that never runs empty does not keep what was read", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const queue = new FrameQueue();
  const reader = queue[Symbol.asyncIterator]();
  const big = (i: number): string => Buffer.alloc(100_000, i % 256).toString("latin1");
  queue.push(big(0));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 1; i < 1000; i++) {
    queue.push(big(i));
    await reader.next();
  }
  collectGarbage();
  expect(queue.waiting).toBe(100_000);
  // 1,000 frames are 100 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
});
