import { expect, test } from "vitest";
import { collect } from "../test/scripted-runtime.ts";
import { EventLog } from "./event-log.ts";

const item = (n: number) => ({ n });

test("readers that wait are all woken, and an item appended in the same turn as the end is read", async () => {
  const log = new EventLog<{ n: number }>();
  const readers = [1, 2, 3].map(() => collect(log));
  await Promise.resolve();
  log.append(item(1));
  log.append(item(2));
  log.end();
  for (const reader of readers) expect(await reader).toEqual([item(1), item(2)]);
});

test("an item that arrives between two reads of a slow reader is not lost", async () => {
  const log = new EventLog<{ n: number }>();
  const reader = log[Symbol.asyncIterator]();
  log.append(item(1));
  expect(await reader.next()).toEqual({ done: false, value: item(1) });
  const pending = reader.next();
  log.append(item(2));
  expect(await pending).toEqual({ done: false, value: item(2) });
  log.append(item(3));
  const next = [reader.next(), reader.next()];
  log.end();
  expect(await next[0]).toEqual({ done: false, value: item(3) });
  expect(await next[1]).toEqual({ done: true, value: undefined });
});

test("an error comes after what was received, for late readers too, and only the first end counts", async () => {
  const log = new EventLog<{ n: number }>();
  log.append(item(1));
  log.end(new Error("lost"));
  log.end();
  log.append(item(2));
  for (let i = 0; i < 2; i++) {
    const reader = log[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(item(1));
    await expect(reader.next()).rejects.toThrow("lost");
  }
});

test("a log that is appended to while it is read delivers in order", async () => {
  const log = new EventLog<{ n: number }>();
  log.append(item(0));
  const seen: number[] = [];
  for await (const { n } of log) {
    seen.push(n);
    if (n < 100) log.append(item(n + 1));
    else log.end();
  }
  expect(seen).toEqual(Array.from({ length: 101 }, (_, n) => n));
});

test("a reader that waits again after it was woken leaves the turn to others", async () => {
  const log = new EventLog<{ n: number }>();
  const reading = collect(log);
  await Promise.resolve();
  log.append(item(1));
  // A reader that spins on a bell rung before would never let this come.
  await new Promise((resolve) => setImmediate(resolve));
  log.end();
  expect(await reading).toEqual([item(1)]);
});
