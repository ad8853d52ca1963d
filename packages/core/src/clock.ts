/** A pending call that can be called off. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  /** Calls it off. */
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

/** The time and the timers of the platform. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fire) => new PlatformTimer(performance.now() + ms, fire),
};

/** A timer of the platform, set as often as its delay takes. Every connection has one, so it is one small object. */
class PlatformTimer implements Timer {
  readonly #due: number;
  /** Undefined once it was cancelled: what it holds may go. */
  #fire: (() => void) | undefined;
  #handle: ReturnType<typeof setTimeout>;

  constructor(due: number, fire: () => void) {
    this.#due = due;
    this.#fire = fire;
    this.#handle = this.#arm();
  }

  cancel(): void {
    this.#fire = undefined;
    clearTimeout(this.#handle);
  }

  #arm(): ReturnType<typeof setTimeout> {
    const left = Math.ceil(this.#due - performance.now());
    return setTimeout(PlatformTimer.#ring, Math.min(Math.max(0, left), MAX_DELAY), this);
  }

  static readonly #ring = (timer: PlatformTimer): void => {
    // The platform rounds delays down, and an expiry that is asked for must have passed when it fires.
    if (performance.now() < timer.#due) timer.#handle = timer.#arm();
    else timer.#fire?.();
  };
}

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
