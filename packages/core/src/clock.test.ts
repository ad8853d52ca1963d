import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sleep, systemClock } from "./clock.ts";
import { ManualClock } from "./manual-clock.ts";

const DAY = 86_400_000;

describe("with the platform's timers faked", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("R-7.3-7: a delay of 60 days fires once, exactly then", () => {
    const fire = vi.fn();
    systemClock.after(60 * DAY, fire);
    vi.advanceTimersByTime(60 * DAY - 1);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(60 * DAY);
    expect(fire).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([2 ** 31 - 2, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 32 + 1])(
    "R-7.3-7: a delay of %i ms fires exactly then",
    (ms) => {
      const fire = vi.fn();
      systemClock.after(ms, fire);
      vi.advanceTimersByTime(ms - 1);
      expect(fire).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(fire).toHaveBeenCalledTimes(1);
    },
  );

  test("a cancelled timer never fires, even after its first re-arming", () => {
    const fire = vi.fn();
    const timer = systemClock.after(60 * DAY, fire);
    vi.advanceTimersByTime(40 * DAY);
    timer.cancel();
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60 * DAY);
    expect(fire).not.toHaveBeenCalled();
  });

  test("an infinite delay never fires, and a negative one fires soon but never synchronously", () => {
    const never = vi.fn();
    const past = vi.fn();
    const endless = systemClock.after(Number.POSITIVE_INFINITY, never);
    systemClock.after(-5, past);
    expect(past).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(past).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100 * DAY);
    expect(never).not.toHaveBeenCalled();
    endless.cancel();
  });

  test("R-9.5-5: setting the wall clock back moves neither a timer nor the monotonic clock", () => {
    const fire = vi.fn();
    systemClock.after(1000, fire);
    const before = systemClock.monotonic();
    vi.setSystemTime(0);
    expect(systemClock.now()).toBe(0);
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
    vi.advanceTimersByTime(1000);
    expect(fire).toHaveBeenCalledTimes(1);
  });
});

test("a platform timer never fires early", async () => {
  for (let i = 0; i < 20; i++) {
    const start = systemClock.monotonic();
    await new Promise<void>((resolve) => systemClock.after(3, resolve));
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(3);
  }
});

test("a sleep ends when its time has passed, and leaves no listener behind", async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const removed = vi.spyOn(signal, "removeEventListener");
  let ended = false;
  const slept = sleep(clock, 100, signal).then(() => {
    ended = true;
  });
  clock.advance(99);
  await Promise.resolve();
  expect(ended).toBe(false);
  clock.advance(1);
  await slept;
  expect(removed).toHaveBeenCalledTimes(1);
});

test("an aborted sleep fails with the reason and leaves no timer behind", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const slept = sleep(clock, 100, abort.signal);
  expect(clock.pending).toBe(1);
  const reason = new Error("enough");
  abort.abort(reason);
  await expect(slept).rejects.toBe(reason);
  expect(clock.pending).toBe(0);
});

test("a sleep whose signal is already aborted fails without arming a timer", async () => {
  const clock = new ManualClock();
  const reason = new Error("before");
  await expect(sleep(clock, 100, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(clock.pending).toBe(0);
});
