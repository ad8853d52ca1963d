/** A scheduled call. Cancelling it twice, or after it has fired, does nothing. */
export interface Timer {
  /** Cancels the call. */
  cancel(): void;
}

/**
 * The source of all time. Nothing else in these packages asks the platform for the time or sets a timer, so that a test can
 * control both.
 */
export interface Clock {
  /** Wall clock: milliseconds since 1970 in UTC. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start. Never goes back. */
  monotonic(): number;
  /** Calls `fire` once after `ms` milliseconds, never earlier. The delay may be of any length (R-7.3-7). */
  after(ms: number, fire: () => void): Timer;
}

/** The longest delay that the platform's timers accept, in milliseconds; with a longer one they fire at once. */
const MAX_DELAY = 2 ** 31 - 1;

/** The platform's time and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fire) => new PlatformTimer(performance.now() + ms, fire),
};

/** A platform timer, re-armed until its whole delay has passed. Every connection has one, so it is a single small object. */
class PlatformTimer implements Timer {
  readonly #due: number;
  /** Undefined once cancelled, so that whatever it captures can be collected. */
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
    // The platform rounds delays down, but a deadline must have passed when its timer fires.
    if (performance.now() < timer.#due) timer.#handle = timer.#arm();
    else timer.#fire?.();
  };
}

/**
 * Resolves after one turn of the event loop: by then, sockets with pending data have been read. The wait is not a duration that
 * a test would want to control, so it does not use a clock.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason if it aborts first. */
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
