import type { Clock, Decoded, Timer } from "@arcp/core";

interface Held {
  readonly decoded: Decoded;
  readonly size: number;
}

/** How many envelopes may wait for a missing one. */
const MOST = 1_000;
/** How many characters these may have in total. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

export interface ReorderingOptions {
  readonly clock: Clock;
  /** How long a number may be missing, in ms. */
  readonly patience: number;
  /** Called if it does not arrive in time. */
  readonly missing: () => void;
}

/** Holds envelopes that arrive early, for runtimes that swap them (R-D-10). */
export class Reordering {
  readonly #options: ReorderingOptions;
  readonly #held = new Map<number, Held>();
  #size = 0;
  #timer: Timer | undefined;

  constructor(options: ReorderingOptions) {
    this.#options = options;
  }

  /** Holds an envelope until its turn. @returns false if the missing one is no longer waited for, so that there is a gap */
  hold(seq: number, decoded: Decoded, size: number): boolean {
    if (this.#held.has(seq)) return true;
    if (this.#options.patience === 0 || this.#held.size >= MOST || this.#size > MOST_CHARACTERS)
      return false;
    this.#held.set(seq, { decoded, size });
    this.#size += size;
    this.#arm();
    return true;
  }

  /** @returns the envelope with this number, if it is held; each is returned once */
  take(seq: number): Held | undefined {
    const held = this.#held.get(seq);
    if (held === undefined) return undefined;
    this.#held.delete(seq);
    this.#size -= held.size;
    return held;
  }

  /** The missing envelope has arrived. Those still held wait for another one, for which the time starts anew. */
  progressed(): void {
    if (this.#timer === undefined) return;
    this.stop();
    if (this.#held.size > 0) this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    const { clock, patience, missing } = this.#options;
    this.#timer ??= clock.after(patience, missing);
  }
}
