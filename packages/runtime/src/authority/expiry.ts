import { type Clock, formatTimestamp, type Timer } from "@arcp/core";

/** Strictly UTC, of the received forms of a time (R-9.5-1). What is of this form is a time: the schema has seen to it. */
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Milliseconds between two looks at the wall clock, which may be set while a timer runs. */
const LOOK = 60_000;

/** @returns milliseconds since 1970, rounded down; undefined when the time is not in UTC with an upper-case `Z` */
export function parseExpiry(text: string): number | undefined {
  if (!UTC.test(text)) return undefined;
  // Digits beyond the millisecond are not read alike everywhere.
  const ms = Date.parse(text.replace(/(\.\d{3})\d+Z$/, "$1Z"));
  return Number.isNaN(ms) ? undefined : ms;
}

/** The moment from which a lease allows nothing any more. */
export class Expiry {
  readonly #clock: Clock;
  /** By the wall clock, milliseconds since 1970. */
  readonly at: number;
  /** By the monotonic clock as well, so that a wall clock that is set back gains nothing (R-9.5-5). */
  readonly #deadline: number;
  readonly #parent: Expiry | undefined;

  /**
   * Made when the job is accepted, and anew when it is run again.
   * @param since when it was accepted, milliseconds since 1970: it lasts no longer than from then on, though the wall clock
   *   may have been set back between two processes
   * @param parent of a delegated job: nothing outlives it, however the wall clock was set meanwhile (R-9.4-5)
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

  /** Calls `fire` once when it has passed. */
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
