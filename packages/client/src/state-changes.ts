interface Entry<T> {
  readonly value: T;
  /** What came behind it. */
  next: Entry<T> | undefined;
}

/**
 * A value that changes: readers get the present one first, then every later one, until it changes no more. Nothing
 * refers back, so what no reader waits for is forgotten.
 */
export class StateChanges<T> implements AsyncIterable<T> {
  #latest: Entry<T>;
  #isOver = false;
  /** Wakes the readers that have got the latest value. */
  readonly #waiting = new Set<() => void>();

  constructor(first: T) {
    this.#latest = { value: first, next: undefined };
  }

  get value(): T {
    return this.#latest.value;
  }

  set(value: T): void {
    const entry: Entry<T> = { value, next: undefined };
    this.#latest.next = entry;
    this.#latest = entry;
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** A reader that leaves while it waits waits no longer: a generator alone would go on to the next value. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const leaving = new AbortController();
    const values = this.#values(leaving.signal);
    const end = values.return.bind(values);
    values.return = (value) => {
      leaving.abort();
      return end(value);
    };
    return values;
  }

  async *#values(left: AbortSignal): AsyncGenerator<T, void, undefined> {
    let entry: Entry<T> | undefined = this.#latest;
    while (entry !== undefined) {
      yield entry.value;
      entry = await this.#behind(entry, left);
    }
  }

  /**
   * What came or comes behind it; undefined when nothing does, or the reader has left. Settles within the change itself: with
   * one promise more in between, events of a connection would come to their readers ahead of the news that it is there.
   */
  #behind(entry: Entry<T>, left: AbortSignal): Promise<Entry<T> | undefined> {
    const { promise, resolve } = Promise.withResolvers<Entry<T> | undefined>();
    const wake = (): void => {
      left.removeEventListener("abort", wake);
      this.#waiting.delete(wake);
      resolve(entry.next);
    };
    if (entry.next !== undefined || this.#isOver || left.aborted) {
      wake();
    } else {
      this.#waiting.add(wake);
      left.addEventListener("abort", wake);
    }
    return promise;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
