/** A set of names that holds the latest of them: as many as it is made for, and fewer than twice as many. */
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
    // All together: a set from which the oldest goes each time passes over the places of those that went before.
    if (this.#latest.size < this.#most) return;
    this.#former = this.#latest;
    this.#latest = new Set();
  }
}
