import { expect, test } from "vitest";
import { collect } from "../test/scripted-runtime.ts";
import { EventLog } from "./event-log.ts";
import type { JobEvent } from "./job-event.ts";

const item = (n: number): JobEvent => ({
  kind: "thought",
  body: { text: `${n}` },
  seq: n,
  jobSeq: n,
  ts: undefined,
});
const fresh = () => new EventLog({ after: 0, bound: 10_000 });

test("all waiting readers are woken, and an item appended in the same turn as the end is read", async () => {
  const log = fresh();
  const readers = [1, 2, 3].map(() => collect(log));
  await Promise.resolve();
  log.append(item(1), 10);
  log.append(item(2), 10);
  log.end();
  for (const reader of readers) expect(await reader).toEqual([item(1), item(2)]);
});

test("an item that arrives between two reads of a slow reader is not lost", async () => {
  const log = fresh();
  const reader = log[Symbol.asyncIterator]();
  log.append(item(1), 10);
  expect(await reader.next()).toEqual({ done: false, value: item(1) });
  const pending = reader.next();
  log.append(item(2), 10);
  expect(await pending).toEqual({ done: false, value: item(2) });
  log.append(item(3), 10);
  const next = [reader.next(), reader.next()];
  log.end();
  expect(await next[0]).toEqual({ done: false, value: item(3) });
  expect(await next[1]).toEqual({ done: true, value: undefined });
});

test("a reader that leaves while it waits is released at once, and the log does not hold it", async () => {
  const log = fresh();
  const reader = log[Symbol.asyncIterator]();
  const other = log[Symbol.asyncIterator]().next();
  const waiting = [reader.next(), reader.next()];
  await reader.return?.();
  for (const next of waiting) expect(await next).toEqual({ done: true, value: undefined });
  log.append(item(1), 10);
  expect(await reader.next()).toEqual({ done: true, value: undefined });
  expect(await other).toEqual({ done: false, value: item(1) });
});

test("a listener that is removed is no longer held", () => {
  const log = fresh();
  const heard: string[] = [];
  const [left, other] = ["left", "other"].map((name) => () => void heard.push(name));
  if (left === undefined || other === undefined) throw new Error("two of them");
  log.onChange(left);
  log.onChange(other);
  log.offChange(left);
  log.append(item(1), 10);
  expect(heard).toEqual(["other"]);
});

test("an error comes after what was received, for late readers too, and only the first end counts", async () => {
  const log = fresh();
  log.append(item(1), 10);
  log.end(new Error("lost"));
  log.end();
  log.append(item(2), 10);
  for (let i = 0; i < 2; i++) {
    const reader = log[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(item(1));
    await expect(reader.next()).rejects.toThrow("lost");
  }
});

test("a log that is appended to while it is read delivers in order", async () => {
  const log = fresh();
  log.append(item(0), 10);
  const seen: number[] = [];
  for await (const { seq: n } of log) {
    seen.push(n);
    if (n < 100) log.append(item(n + 1), 10);
    else log.end();
  }
  expect(seen).toEqual(Array.from({ length: 101 }, (_, n) => n));
});

test("a reader that waits again after it was woken yields the turn", async () => {
  const log = fresh();
  const reading = collect(log);
  await Promise.resolve();
  log.append(item(1), 10);
  // A reader that spins on a bell that has already rung would never get here.
  await new Promise((resolve) => setImmediate(resolve));
  log.end();
  expect(await reading).toEqual([item(1)]);
});
