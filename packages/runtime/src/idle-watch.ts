import type { Clock, Timer } from "@arcp/core";

/** A connection as it is asked now and then. */
export interface Watched {
  /** Whether it was of use since it was asked last (or came into being). */
  used(): boolean;
  /** It was not, for a whole period. */
  idle(): void;
}

/**
 * Notices connections on which nothing but heartbeats is exchanged (R-14-1): one timer for all. A connection is idle for
 * a period at least before it is noticed, and for less than two.
 */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #period: number;
  /** Whether each was of use in this period, as far as is known without asking. */
  readonly #watched = new Map<Watched, boolean>();
  #timer: Timer | undefined;

  /** @param period milliseconds */
  constructor(clock: Clock, period: number) {
    this.#clock = clock;
    this.#period = period;
  }

  watch(watched: Watched): void {
    // It came into being in the middle of a period.
    this.#watched.set(watched, true);
    this.#arm();
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
  }

  close(): void {
    this.#timer?.cancel();
    this.#watched.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = this.#clock.after(this.#period, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    for (const [watched, known] of this.#watched) {
      const used = watched.used() || known;
      this.#watched.set(watched, false);
      if (!used) watched.idle();
    }
    this.#arm();
  }
}
