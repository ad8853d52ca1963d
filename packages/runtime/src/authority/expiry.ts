import { type Clock, formatTimestamp, type Timer } from "@arcp/core";

/** Of the accepted forms of a time, those strictly in UTC (R-9.5-1). The schema has already validated the rest. */
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Milliseconds between two checks of the wall clock, which may be set while a timer runs. */
const LOOK = 60_000;

/** @returns milliseconds since 1970, rounded down; undefined if the time is not in UTC with an upper-case `Z` */
export function parseExpiry(text: string): number | undefined {
  if (!UTC.test(text)) return undefined;
  // Not all engines handle digits beyond the millisecond alike.
  const ms = Date.parse(text.replace(/(\.\d{3})\d+Z$/, "$1Z"));
  return Number.isNaN(ms) ? undefined : ms;
}

/** The moment at which a lease expires. */
export class Expiry {
  readonly #clock: Clock;
  /** On the wall clock, in milliseconds since 1970. */
  readonly at: number;
  /** On the monotonic clock as well, so that setting the wall clock back gains nothing (R-9.5-5). */
  readonly #deadline: number;
  readonly #parent: Expiry | undefined;

  /**
   * Created when the job is accepted, and again when it is run again.
   * @param since when the job was accepted, in milliseconds since 1970: the lease lasts no longer than from then on, even if the
   *   wall clock was set back between two processes
   * @param parent of a delegated job: a child never outlives it, however the wall clock was set meanwhile (R-9.4-5)
   */
  constructor(clock: Clock, at: number, since: number, parent?: Expiry) {
    this.#clock = clock;
    this.#parent = parent;
    this.at = at;
    this.#deadline = clock.monotonic() + (at - Math.max(since, clock.now()));
  }

  /** Whether either clock has reached it (R-9.5-2). */
  get passed(): boolean {
    return this.#left() <= 0;
  }

  /** Calls `fire` once when the lease has expired. */
  watch(fire: () => void): Timer {
    let timer: Timer | undefined;
    const look = (): void => {
      const left = this.#left();
      if (left <= 0) fire();
      else timer = this.#clock.after(Math.min(left, LOOK), look);
    };
    look();
    return { cancel: () => timer?.cancel() };
  }

  toString(): string {
    return formatTimestamp(this.at);
  }

  #left(): number {
    const own = Math.min(this.at - this.#clock.now(), this.#deadline - this.#clock.monotonic());
    return this.#parent === undefined ? own : Math.min(own, this.#parent.#left());
  }
}
