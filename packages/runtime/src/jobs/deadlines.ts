import type { Clock, Timer } from "@arcp/core";
import type { Expiry } from "../authority/expiry.ts";
import { StallWatch } from "./stall-watch.ts";

/** What happens to one job by the clock alone, until it is over. */
export class Deadlines {
  readonly #clock: Clock;
  /** Made with the first: most jobs have none. */
  #timers: Timer[] | undefined;
  #stall: StallWatch | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, fire: () => void): void {
    this.#keep(this.#clock.after(ms, fire));
  }

  /** Calls `expired` once the lease allows nothing any more. */
  watchExpiry(expiry: Expiry, expired: () => void): void {
    this.#keep(expiry.watch(expired));
  }

  /**
   * Calls `timedOut` once the job has run for so long, which may be at once.
   * @param acceptedAt milliseconds since 1970: an attempt after a crash gets no time of its own (R-7.3-6), nor one that begins
   *   after the wall clock was set back more than there was
   */
  limitRuntime(seconds: number, acceptedAt: number, timedOut: () => void): void {
    const left = seconds * 1000 - Math.max(0, this.#clock.now() - acceptedAt);
    if (left > 0) this.after(left, timedOut);
    else timedOut();
  }

  /** Calls `stalled` when nothing was {@link heard} for so long; it begins to count at once. */
  watchStall(seconds: number, stalled: () => void): void {
    this.#stall = new StallWatch(this.#clock, seconds * 1000, stalled);
  }

  heard(): void {
    this.#stall?.heard();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timers !== undefined) for (const timer of this.#timers.splice(0)) timer.cancel();
    this.#stall?.stop();
  }

  #keep(timer: Timer): void {
    // What is set first may have ended the job at once: what is set next would hold it for as long as it had been given.
    if (this.#stopped) return timer.cancel();
    this.#timers ??= [];
    this.#timers.push(timer);
  }
}
