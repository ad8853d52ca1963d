/** How much happens at most in one turn of the event loop, and in how many turns something happens. */
export class Pace {
  #turn = 0;
  #isOver = false;
  readonly #counts = new Map<number, number>();

  constructor() {
    const next = (): void => {
      this.#turn += 1;
      if (!this.#isOver) setImmediate(next);
    };
    next();
  }

  /** Something happens. */
  count(): void {
    this.#counts.set(this.#turn, (this.#counts.get(this.#turn) ?? 0) + 1);
  }

  end(): { readonly most: number; readonly all: number } {
    this.#isOver = true;
    const counts = [...this.#counts.values()];
    return { most: Math.max(0, ...counts), all: counts.reduce((sum, count) => sum + count, 0) };
  }
}
