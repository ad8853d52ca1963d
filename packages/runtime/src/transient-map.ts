interface Place<V> {
  value: V | undefined;
}

/**
 * A map for entries that come and go by the thousand. A long-lived Map leaves its old table behind when it rehashes, and what that
 * table held survives until the next full garbage collection. Here a deleted value is released at once.
 */
export class TransientMap<K, V> {
  /** Created with the first entry: the maps of an idle session mostly stay empty. */
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
