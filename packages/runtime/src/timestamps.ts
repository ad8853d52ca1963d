import { type Clock, formatTimestamp } from "@arcp/core";

/** Timestamps in their sent form, made once per millisecond. */
export class Timestamps {
  readonly #clock: Clock;
  #ms = Number.NaN;
  #text = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): string {
    const ms = this.#clock.now();
    if (ms !== this.#ms) {
      this.#ms = ms;
      this.#text = formatTimestamp(ms);
    }
    return this.#text;
  }
}
