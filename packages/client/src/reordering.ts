import type { Clock, Decoded, Timer } from "@arcp/core";

interface Held {
  readonly decoded: Decoded;
  readonly size: number;
}

/** How many envelopes may wait for a missing one. */
const MOST = 1_000;
/** The characters that they may have together. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

export interface ReorderingOptions {
  readonly clock: Clock;
  /** How long a number may be missing, in ms. */
  readonly patience: number;
  /** It stayed away. */
  readonly missing: () => void;
}

/** Envelopes that came before their turn, for runtimes that swap them (R-D-10). */
export class Reordering {
  readonly #options: ReorderingOptions;
  readonly #held = new Map<number, Held>();
  #size = 0;
  #timer: Timer | undefined;

  constructor(options: ReorderingOptions) {
    this.#options = options;
  }

  /** Keeps an envelope until its turn. @returns false when it is a gap that is waited for no longer */
  hold(seq: number, decoded: Decoded, size: number): boolean {
    const { clock, patience, missing } = this.#options;
    if (this.#held.has(seq)) return true;
    if (patience === 0 || this.#held.size >= MOST || this.#size > MOST_CHARACTERS) return false;
    this.#held.set(seq, { decoded, size });
    this.#size += size;
    this.#timer ??= clock.after(patience, missing);
    return true;
  }

  /** @returns the envelope under this number, if it is here already; each is given once */
  take(seq: number): Held | undefined {
    const held = this.#held.get(seq);
    if (held === undefined) return undefined;
    this.#held.delete(seq);
    this.#size -= held.size;
    return held;
  }

  /** The missing one came. What still waits does so for another one, which has its own time. */
  progressed(): void {
    if (this.#timer === undefined) return;
    this.stop();
    const { clock, patience, missing } = this.#options;
    if (this.#held.size > 0) this.#timer = clock.after(patience, missing);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
