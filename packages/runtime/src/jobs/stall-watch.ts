import type { Clock, Timer } from "@arcp/core";

/** Detects that nothing was heard for too long. Uses one timer, re-armed only when it fires. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #stalled: () => void;
  #heardAt: number;
  #timer: Timer;

  /** @param ms the permitted silence, starting now */
  constructor(clock: Clock, ms: number, stalled: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#stalled = stalled;
    this.#heardAt = clock.monotonic();
    this.#timer = clock.after(ms, () => this.#look());
  }

  heard(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const left = this.#heardAt + this.#ms - this.#clock.monotonic();
    if (left > 0) this.#timer = this.#clock.after(left, () => this.#look());
    else this.#stalled();
  }
}
