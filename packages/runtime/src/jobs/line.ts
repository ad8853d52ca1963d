/** What stands in a {@link Line} knows who stands beside it. */
export interface Standing<T> {
  before: T | undefined;
  behind: T | undefined;
}

/** Values in the order in which they came, of which any can leave at any time: a linked list. */
export class Line<T extends Standing<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get first(): T | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** Comes to the end. It must not stand in any line. */
  add(value: T): void {
    value.before = this.#last;
    if (this.#last === undefined) this.#first = value;
    else this.#last.behind = value;
    this.#last = value;
    this.#size += 1;
  }

  /** Leaves the line, in which it must stand. */
  delete(value: T): void {
    const { before, behind } = value;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    value.before = value.behind = undefined;
    this.#size -= 1;
  }
}
