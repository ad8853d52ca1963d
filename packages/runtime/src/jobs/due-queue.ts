/** What waits in a {@link DueQueue} knows when it is due and where it stands. */
export interface Timed {
  /** When it is due, as long as it waits. */
  due: number;
  /** Where it stands in the queue, which it is told; -1 where it stands in none. */
  place: number;
}

/** What is due at some moment, the earliest first, whatever the order in which it was added: a binary heap. */
export class DueQueue<T extends Timed> {
  readonly #heap: T[] = [];

  /** When the earliest one is due; undefined when there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.due;
  }

  /** It waits until then, also if it waited for something else before. */
  add(due: number, value: T): void {
    this.delete(value);
    value.due = due;
    value.place = this.#heap.length;
    this.#heap.push(value);
    this.#rise(value);
  }

  /** Takes out what is due at `now`, the earliest first, but no more than `limit`. */
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

  /** Takes out what perhaps waits here, due or not. */
  delete(value: T): void {
    const { place } = value;
    if (place === -1) return;
    value.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === value) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(value: T): void {
    while (value.place > 0) {
      const { place } = value;
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || above.due <= value.due) return;
      this.#put(above, place);
      this.#put(value, parent);
    }
  }

  #sink(value: T): void {
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
