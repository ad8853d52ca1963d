import { TransientMap } from "../transient-map.ts";

/** A map of limited size that drops its oldest entries. Allocates nothing before the first entry. */
export class NewestMap<K, V> {
  readonly #limit: number;
  #entries: TransientMap<K, V> | undefined;
  /** Kept between calls: a fresh iterator would step over the slots of all deleted entries each time. */
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

  /** Changes the value of an existing entry without making it newer. */
  replace(key: K, value: V): void {
    if (this.#entries?.has(key)) this.#entries.set(key, value);
  }

  delete(key: K): void {
    this.#entries?.delete(key);
  }
}
