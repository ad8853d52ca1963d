interface Entry<T> {
  readonly value: T;
  /** The next entry; null if there will be none. */
  next?: Entry<T> | null;
}

/**
 * A value that changes: readers get the current one first, then every later one, until the last. Entries only refer forward, so
 * those that no reader has yet to read can be collected.
 */
export class StateChanges<T> implements AsyncIterable<T> {
  #latest: Entry<T>;
  /** Wakes the readers that have got the latest value. */
  readonly #waiting = new Set<() => void>();

  constructor(first: T) {
    this.#latest = { value: first };
  }

  get value(): T {
    return this.#latest.value;
  }

  set(value: T): void {
    const entry: Entry<T> = { value };
    this.#latest.next = entry;
    this.#latest = entry;
    this.#wake();
  }

  end(): void {
    this.#latest.next = null;
    this.#wake();
  }

  /** A reader that leaves while it waits is released at once; a bare generator would wait for the next value. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let hasLeft = false;
    let wake = (): void => {};
    const values = this.#values((resolve) => {
      if (hasLeft) return resolve();
      wake = resolve;
      this.#waiting.add(wake);
    });
    const end = values.return.bind(values);
    values.return = (value) => {
      hasLeft = true;
      this.#waiting.delete(wake);
      wake();
      return end(value);
    };
    return values;
  }

  /**
   * @param wait calls its argument synchronously at the next change: with another promise in between, readers would get events of
   *   a connection before they learn that it exists
   */
  async *#values(wait: (resolve: () => void) => void): AsyncGenerator<T, void, undefined> {
    let entry: Entry<T> | null | undefined = this.#latest;
    while (entry) {
      yield entry.value;
      if (entry.next === undefined) await new Promise<void>(wait);
      entry = entry.next;
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
