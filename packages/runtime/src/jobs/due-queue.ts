interface Entry<T> {
  readonly due: number;
  readonly value: T;
}

/** Values that are due at some moment, the earliest first, whatever the order in which they were added: a binary heap. */
export class DueQueue<T> {
  readonly #heap: Array<Entry<T>> = [];

  /** When the earliest value is due; undefined when there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.due;
  }

  add(due: number, value: T): void {
    const entry = { due, value };
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || above.due <= due) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  /** Takes out what is due at `now`, the earliest first, but no more than `limit`. */
  take(now: number, limit = Number.POSITIVE_INFINITY): T[] {
    const taken: T[] = [];
    while (taken.length < limit) {
      const [first] = this.#heap;
      if (first === undefined || first.due > now) break;
      taken.push(first.value);
      this.#removeFirst();
    }
    return taken;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [this.#heap[child], this.#heap[child + 1]];
      if (right !== undefined && left !== undefined && right.due < left.due) child += 1;
      const below = this.#heap[child];
      if (below === undefined || below.due >= last.due) break;
      this.#heap[index] = below;
      index = child;
    }
    this.#heap[index] = last;
  }
}
