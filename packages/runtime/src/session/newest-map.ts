import { TransientMap } from "../transient-map.ts";

/** A map that keeps its newest entries: beyond its limit the oldest goes. It holds nothing before the first. */
export class NewestMap<K, V> {
  readonly #limit: number;
  #entries: TransientMap<K, V> | undefined;
  /** Goes on where it was: a fresh iterator would step over the places of all that have gone, each time. */
  #oldest: Iterator<K> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    return this.#entries?.get(key);
  }

  set(key: K, value: V): void {
    this.#entries ??= new TransientMap();
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    this.#oldest ??= this.#entries.keys();
    const oldest = this.#oldest.next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }

  /** Changes the value of an entry that is still there; it gets no newer by that. */
  replace(key: K, value: V): void {
    if (this.#entries?.has(key)) this.#entries.set(key, value);
  }

  delete(key: K): void {
    this.#entries?.delete(key);
  }
}
