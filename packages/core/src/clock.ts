/** A pending call that can be called off. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Where all time comes from. Nothing else in these packages asks the platform for the time or sets a timer, so that a
 * test can own both.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970 in UTC. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never goes back. */
  monotonic(): number;
  /** Calls `fire` once after `ms` milliseconds, however many those are (R-7.3-7), and never earlier. */
  after(ms: number, fire: () => void): Timer;
}

/** The longest delay that the platform's timers take; beyond it they fire at once. */
const MAX_DELAY = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const due = performance.now() + ms;
    let handle: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const left = Math.ceil(due - performance.now());
      handle = setTimeout(ring, Math.min(Math.max(0, left), MAX_DELAY));
    };
    // The platform rounds delays down, and an expiry that is asked for must have passed when it fires.
    const ring = (): void => (performance.now() < due ? arm() : fire());
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Resolves once the event loop has turned: sockets that had something to read were read. It takes no time that anybody
 * counts, so no clock is asked.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
