import { expect, test } from "vitest";
import { ManualClock } from "./manual-clock.ts";

test("timers fire in the order in which they are due, each at its own time", () => {
  const clock = new ManualClock(1000);
  const seen: Array<[string, number, number]> = [];
  const note = (name: string) => () => seen.push([name, clock.now(), clock.monotonic()]);
  clock.after(30, note("c"));
  clock.after(10, note("a"));
  clock.after(20, note("b"));
  clock.after(20, note("b, armed later"));
  clock.advance(29);
  expect(seen).toEqual([
    ["a", 1010, 10],
    ["b", 1020, 20],
    ["b, armed later", 1020, 20],
  ]);
  expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1029, 29, 1]);
  clock.advance(1);
  expect(seen.at(-1)).toEqual(["c", 1030, 30]);
  expect(clock.pending).toBe(0);
});

test("a timer armed by another timer fires in the same advance if it becomes due in it", () => {
  const clock = new ManualClock();
  const at: number[] = [];
  const beat = (): void => {
    at.push(clock.monotonic());
    clock.after(10, beat);
  };
  clock.after(10, beat);
  clock.advance(35);
  expect(at).toEqual([10, 20, 30]);
});

test("a cancelled timer does not fire, even if another timer due at the same time cancels it", () => {
  const clock = new ManualClock();
  let fired = 0;
  const late = { cancel: (): void => {} };
  clock.after(10, () => late.cancel());
  const timer = clock.after(10, () => fired++);
  late.cancel = () => timer.cancel();
  clock.advance(10);
  timer.cancel();
  expect([fired, clock.pending]).toEqual([0, 0]);
});

test("a delay that is not positive is due at once, but fires only when time is advanced", () => {
  const clock = new ManualClock();
  let fired = 0;
  clock.after(-5, () => fired++);
  clock.after(0, () => fired++);
  expect(fired).toBe(0);
  clock.advance(0);
  expect(fired).toBe(2);
});

test("R-7.3-7: a delay beyond 2^31 ms works like any other", () => {
  const clock = new ManualClock();
  let fired = 0;
  clock.after(2 ** 33, () => fired++);
  clock.advance(2 ** 33 - 1);
  expect(fired).toBe(0);
  clock.advance(1);
  expect(fired).toBe(1);
});

test("R-9.5-5: a jump of the wall clock lets no time pass", () => {
  const clock = new ManualClock(5000);
  let fired = 0;
  clock.after(10, () => fired++);
  clock.jump(-4000);
  expect([clock.now(), clock.monotonic(), fired]).toEqual([1000, 0, 0]);
  clock.advance(10);
  expect([clock.now(), clock.monotonic(), fired]).toEqual([1010, 10, 1]);
});

test("R-6.4-8: the monotonic clock never goes back, not even when a timer moves it further", () => {
  const clock = new ManualClock();
  clock.after(10, () => clock.advance(100));
  clock.advance(20);
  expect(clock.monotonic()).toBe(110);
});
