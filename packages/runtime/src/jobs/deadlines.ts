import type { Clock, Timer } from "@arcp/core";
import type { Expiry } from "../authority/expiry.ts";
import { StallWatch } from "./stall-watch.ts";

/** The timers of one job, which run until it is over. */
export class Deadlines {
  readonly #clock: Clock;
  /** Allocated with the first: most jobs have none. */
  #timers: Timer[] | undefined;
  #stall: StallWatch | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, fire: () => void): void {
    this.#keep(this.#clock.after(ms, fire));
  }

  /** Calls `expired` once the lease has expired. */
  watchExpiry(expiry: Expiry, expired: () => void): void {
    this.#keep(expiry.watch(expired));
  }

  /**
   * Calls `timedOut` once the job has run for so long, perhaps immediately.
   * @param acceptedAt milliseconds since 1970. Neither a new attempt after a crash (R-7.3-6) nor a wall clock that was set back
   *   extends the time
   */
  limitRuntime(seconds: number, acceptedAt: number, timedOut: () => void): void {
    const left = seconds * 1000 - Math.max(0, this.#clock.now() - acceptedAt);
    if (left > 0) this.after(left, timedOut);
    else timedOut();
  }

  /** Calls `stalled` if {@link heard} was not called for so long, starting now. */
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
    // An earlier timer may have ended the job at once; a timer set after that would keep the job in memory.
    if (this.#stopped) return timer.cancel();
    this.#timers ??= [];
    this.#timers.push(timer);
  }
}
