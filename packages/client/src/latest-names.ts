/** A bounded set that keeps the latest names: at least as many as it is made for, and fewer than twice as many. */
export class LatestNames {
  readonly #most: number;
  #former: ReadonlySet<string> = new Set();
  #latest = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  has(name: string): boolean {
    return this.#latest.has(name) || this.#former.has(name);
  }

  add(name: string): void {
    this.#latest.add(name);
    // Drop names in bulk: if a set drops its oldest entry each time, finding the next one means skipping the slots of all dropped.
    if (this.#latest.size < this.#most) return;
    this.#former = this.#latest;
    this.#latest = new Set();
  }
}
