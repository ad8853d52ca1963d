interface Place<V> {
  value: V | undefined;
}

/**
 * A map whose entries come and go by the thousand. A Map that has lived for long leaves a table behind whenever it makes
 * room, and all that stood in it lives on until the next full collection of garbage; here what is deleted is let go at once.
 */
export class TransientMap<K, V> {
  /** Made with the first: many a map of an idle session stays empty. */
  #places: Map<K, Place<V>> | undefined;

  get size(): number {
    return this.#places?.size ?? 0;
  }

  has(key: K): boolean {
    return this.#places?.has(key) ?? false;
  }

  get(key: K): V | undefined {
    return this.#places?.get(key)?.value;
  }

  set(key: K, value: V): void {
    this.#places ??= new Map();
    const place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, { value });
    else place.value = value;
  }

  delete(key: K): boolean {
    const place = this.#places?.get(key);
    if (place === undefined) return false;
    place.value = undefined;
    return this.#places?.delete(key) ?? false;
  }

  *keys(): Generator<K> {
    if (this.#places !== undefined) yield* this.#places.keys();
  }

  *values(): Generator<V> {
    for (const { value } of this.#places?.values() ?? []) if (value !== undefined) yield value;
  }
}
