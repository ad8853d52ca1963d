import { getEventListeners } from "node:events";
import { ArcpError, LocalError, ManualClock, TransportClosedError } from "@arcp/core";
import { expect, test, vi } from "vitest";
import { ScriptedRuntime } from "../test/scripted-runtime.ts";
import { retry } from "./index.ts";

const busy = new ArcpError("INTERNAL_ERROR", "too many");

/** Time that passes as soon as somebody waits for it. */
class Waited extends ManualClock {
  readonly pauses: number[] = [];

  override after(ms: number, fire: () => void) {
    this.pauses.push(ms);
    queueMicrotask(() => this.advance(ms));
    return super.after(ms, fire);
  }
}

test("R-12-2: a retryable failure is tried again, after pauses that double, and no more often than allowed", async () => {
  const clock = new Waited();
  const errors = [1, 2, 3, 4, 5, 6].map((i) => new ArcpError("TIMEOUT", `${i}`));
  const call = vi.fn(async (attempt: number) => {
    throw errors[attempt - 1];
  });
  await expect(retry(call, { clock })).rejects.toBe(errors[4]);
  expect(call.mock.calls).toEqual([[1], [2], [3], [4], [5]]);
  expect(clock.pauses).toHaveLength(4);
  for (const [i, pause] of clock.pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(50 * 2 ** i);
    expect(pause).toBeLessThanOrEqual(100 * 2 ** i);
  }
  expect(clock.pending).toBe(0);
});

test("the first success is returned", async () => {
  const clock = new Waited();
  const lost = [new TransportClosedError(), new LocalError("REQUEST_TIMEOUT", "late"), busy];
  const call = (attempt: number) => {
    const error = lost[attempt - 1];
    if (error !== undefined) throw error;
    return "done";
  };
  expect(await retry(call, { clock })).toBe("done");
  expect(await retry(() => "at once", { attempts: 1 })).toBe("at once");
});

test.each([
  ["an error that says so", new ArcpError("INVALID_REQUEST", "no")],
  ["a timed-out job that says so", new ArcpError("TIMEOUT", "no", { retryable: false })],
  ["a misuse", new LocalError("MISUSE", "no")],
  ["a session taken over", new TransportClosedError("refused")],
  ["anybody else's error", Object.assign(new Error("no"), { retryable: true })],
  ["what is no error", "no"],
])("%s is not tried again", async (_, error) => {
  const call = vi.fn(() => Promise.reject(error));
  await expect(retry(call)).rejects.toBe(error);
  expect(call).toHaveBeenCalledTimes(1);
});

test("the pause that the runtime asks for is kept, and an invalid one is ignored", async () => {
  const clock = new Waited();
  const hints = [40, -1, Number.POSITIVE_INFINITY, "7", null];
  const call = (attempt: number) => {
    if (attempt > hints.length) return "done";
    const details = { retry_after_sec: hints[attempt - 1] };
    throw new ArcpError("UNAUTHENTICATED", "slow down", { retryable: true, details });
  };
  expect(await retry(call, { clock, attempts: 6 })).toBe("done");
  expect(clock.pauses[0]).toBeGreaterThan(40_000);
  expect(clock.pauses[0]).toBeLessThanOrEqual(40_100);
  for (const pause of clock.pauses.slice(1)) expect(pause).toBeLessThanOrEqual(1_600);
});

test("an abort ends it before it starts, in a pause, and during a call", async () => {
  const clock = new ManualClock();
  const reason = new Error("enough");
  const call = vi.fn(() => Promise.reject(busy));
  await expect(retry(call, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(call).not.toHaveBeenCalled();

  const pausing = new AbortController();
  const paused = retry(call, { signal: pausing.signal, clock });
  await expect.poll(() => clock.pending).toBe(1);
  pausing.abort(reason);
  await expect(paused).rejects.toBe(reason);
  expect(clock.pending).toBe(0);
  expect(call).toHaveBeenCalledTimes(1);

  const calling = new AbortController();
  const late = Promise.withResolvers<never>();
  const called = retry(() => late.promise, { signal: calling.signal, clock });
  calling.abort(reason);
  await expect(called).rejects.toBe(reason);
  late.reject(busy);
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.pending).toBe(0);

  const { signal } = new AbortController();
  await retry((attempt) => (attempt < 4 ? Promise.reject(busy) : 1), {
    signal,
    clock: new Waited(),
  });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("an invalid number of attempts is refused", async () => {
  for (const attempts of [0, -1, 1.5, Number.NaN]) {
    await expect(retry(() => 1, { attempts })).rejects.toMatchObject({ code: "MISUSE" });
  }
});

test("a runtime that cannot be reached yet is dialled again", async () => {
  const script = new ScriptedRuntime();
  script.refuse(new Error("ECONNREFUSED"));
  const clock = new Waited();
  const connecting = retry(
    (attempt) => {
      if (attempt === 3) script.refuse(undefined);
      return script.connect();
    },
    { clock },
  );
  const wire = await script.accept();
  await wire.next("session.hello");
  wire.welcome();
  expect((await connecting).state.kind).toBe("online");
  expect(script.dialled).toBe(3);
});
