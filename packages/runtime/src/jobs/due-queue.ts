/** A value that waits in a {@link DueQueue}, which it can leave before it is due. */
export interface Due<T> {
  readonly due: number;
  readonly value: T;
  /** Where it stands in the queue, which it is told. */
  place: number;
}

/** Values that are due at some moment, the earliest first, whatever the order in which they were added: a binary heap. */
export class DueQueue<T> {
  readonly #heap: Array<Due<T>> = [];

  /** When the earliest value is due; undefined when there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.due;
  }

  add(due: number, value: T): Due<T> {
    const entry = { due, value, place: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    return entry;
  }

  /** Takes out what is due at `now`, the earliest first, but no more than `limit`. */
  take(now: number, limit = Number.POSITIVE_INFINITY): T[] {
    const taken: T[] = [];
    while (taken.length < limit) {
      const [first] = this.#heap;
      if (first === undefined || first.due > now) break;
      taken.push(first.value);
      this.delete(first);
    }
    return taken;
  }

  /** Takes out what waits here, due or not. */
  delete(entry: Due<T>): void {
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: Due<T>): void {
    while (entry.place > 0) {
      const { place } = entry;
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || above.due <= entry.due) return;
      this.#put(above, place);
      this.#put(entry, parent);
    }
  }

  #sink(entry: Due<T>): void {
    for (;;) {
      const { place } = entry;
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = left && right && right.due < left.due ? right : left;
      if (child === undefined || child.due >= entry.due) return;
      const below = child.place;
      this.#put(child, place);
      this.#put(entry, below);
    }
  }

  #put(entry: Due<T>, place: number): void {
    entry.place = place;
    this.#heap[place] = entry;
  }
}
