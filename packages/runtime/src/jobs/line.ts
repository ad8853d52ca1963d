/** The links of an entry of a {@link Line}. */
export interface Standing<T> {
  before: T | undefined;
  behind: T | undefined;
}

/** A queue from which any entry can be removed at any time: a doubly linked list. */
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

  /** Appends an entry, which must not be in any line. */
  add(value: T): void {
    value.before = this.#last;
    if (this.#last === undefined) this.#first = value;
    else this.#last.behind = value;
    this.#last = value;
    this.#size += 1;
  }

  /** Removes an entry, which must be in this line. */
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
