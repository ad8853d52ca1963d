/** An entry of a {@link DueQueue}. */
export interface Timed {
  /** When it is due, while it is queued. */
  due: number;
  /** Its index in the heap, maintained by the queue; -1 while it is not queued. */
  place: number;
}

/** A priority queue by due time, as a binary heap. */
export class DueQueue<T extends Timed> {
  readonly #heap: T[] = [];

  /** When the first entry is due; undefined if there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.due;
  }

  /** Queues an entry, or changes its due time. */
  add(due: number, value: T): void {
    this.delete(value);
    value.due = due;
    value.place = this.#heap.length;
    this.#heap.push(value);
    this.#siftUp(value);
  }

  /** Removes and returns at most `limit` entries that are due at `now`, the earliest first. */
  take(now: number, limit = Number.POSITIVE_INFINITY): T[] {
    const taken: T[] = [];
    while (taken.length < limit) {
      const [first] = this.#heap;
      if (first === undefined || first.due > now) break;
      taken.push(first);
      this.delete(first);
    }
    return taken;
  }

  /** Removes an entry, due or not, if it is queued. */
  delete(value: T): void {
    const { place } = value;
    if (place === -1) return;
    value.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === value) return;
    this.#put(last, place);
    this.#siftUp(last);
    this.#siftDown(last);
  }

  #siftUp(value: T): void {
    while (value.place > 0) {
      const { place } = value;
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || above.due <= value.due) return;
      this.#put(above, place);
      this.#put(value, parent);
    }
  }

  #siftDown(value: T): void {
    for (;;) {
      const { place } = value;
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = left && right && right.due < left.due ? right : left;
      if (child === undefined || child.due >= value.due) return;
      const below = child.place;
      this.#put(child, place);
      this.#put(value, below);
    }
  }

  #put(value: T, place: number): void {
    value.place = place;
    this.#heap[place] = value;
  }
}
