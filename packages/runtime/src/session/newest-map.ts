/** A map that keeps its newest entries: beyond its limit the oldest goes. */
export class NewestMap<K, V> {
  readonly #limit: number;
  readonly #entries = new Map<K, V>();
  /** Goes on where it was: a fresh iterator would step over the places of all that have gone, each time. */
  readonly #oldest = this.#entries.keys();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    const { value: oldest, done } = this.#oldest.next();
    if (done !== true) this.#entries.delete(oldest);
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }
}
