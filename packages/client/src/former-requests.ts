/** How many are remembered: an answer that comes after so many others comes never. */
const KEPT = 1_000;

/** What requests were known by that wait no longer, their ids and traces: a late answer to one must not be taken for another's. */
export class FormerRequests {
  readonly #names = new Set<string>();

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(...names: readonly (string | undefined)[]): void {
    for (const name of names) if (name !== undefined) this.#names.add(name);
    for (const oldest of this.#names) {
      if (this.#names.size <= KEPT) return;
      this.#names.delete(oldest);
    }
  }
}
