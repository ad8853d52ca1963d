import { decodeTime } from "ulid";
import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";
import { monotonicUlid } from "./monotonic-ulid.ts";

test("ids are ULIDs of their millisecond and sort in the order of their creation", () => {
  let now = 1_000;
  const next = monotonicUlid({ ...systemClock, now: () => now });
  const ids: string[] = [];
  for (let i = 0; i < 5_000; i++) {
    if (i % 100 === 0) now += 1;
    ids.push(next());
    expect(decodeTime(ids[i] ?? "")).toBe(now);
  }
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
});

test("ids keep ascending when the clock steps back", () => {
  let now = 10_000;
  const next = monotonicUlid({ ...systemClock, now: () => now });
  const before = next();
  now = 5_000;
  const after = next();
  expect(after > before).toBe(true);
  expect(decodeTime(after)).toBe(10_000);
});

test("when the ids of a millisecond are used up, the next millisecond is borrowed", () => {
  const next = monotonicUlid({ ...systemClock, now: () => 1_000 });
  let last = next();
  for (let i = 0; i < 1_100_000; i++) {
    const id = next();
    if (id <= last) throw new Error(`${id} does not sort behind ${last}`);
    last = id;
  }
  expect(decodeTime(last)).toBeGreaterThan(1_000);
});

test("the digits that are incremented start anywhere in the lower half of their range", () => {
  let now = 1;
  const next = monotonicUlid({ ...systemClock, now: () => now++ });
  const tails = Array.from({ length: 200 }, () => next().slice(-4));
  expect(new Set(tails).size).toBeGreaterThan(190);
  expect(tails.every((tail) => tail < "G000")).toBe(true);
});
