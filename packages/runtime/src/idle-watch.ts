import type { Clock, Timer } from "@arcp/core";

/** A connection that is checked periodically for activity. */
export interface Watched {
  /** Whether it was used since the last call, or since it was created. */
  used(): boolean;
  /** Called after a whole period without use. */
  idle(): void;
}

/**
 * Detects connections that exchange nothing but heartbeats (R-14-1), with one timer for all. A connection is detected after one to
 * two periods of idleness.
 */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #period: number;
  /** Whether each connection is already known to be used in this period, without asking it. */
  readonly #watched = new Map<Watched, boolean>();
  #timer: Timer | undefined;

  /** @param period milliseconds */
  constructor(clock: Clock, period: number) {
    this.#clock = clock;
    this.#period = period;
  }

  watch(watched: Watched): void {
    // It was created in the middle of a period, which therefore does not count as idle.
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
