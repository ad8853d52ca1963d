/** Pseudo-random numbers, determined by a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to just below `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  /** True with this probability, in percent. */
  hits(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** One of these; undefined if there are none. */
  oneOf<T>(choices: readonly T[]): T | undefined {
    return choices[this.below(choices.length)];
  }
}
