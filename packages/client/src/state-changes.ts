interface Entry<T> {
  readonly value: T;
  /** What came behind it; null when nothing will. */
  next?: Entry<T> | null;
}

/**
 * A value that changes: readers get the present one first, then every later one, until it changes no more. Nothing
 * refers back, so what no reader waits for is forgotten.
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

  /** A reader that leaves while it waits waits no longer: a generator alone would go on to the next value. */
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
   * @param wait calls what it is given at the next change, within the change itself: with one promise more in between, events
   *   of a connection would come to their readers ahead of the news that it is there
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
