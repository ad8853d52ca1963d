interface Entry<T> {
  readonly value: T;
  readonly next: PromiseWithResolvers<Entry<T> | undefined>;
}

/**
 * A value that changes: readers get the present one first, then every later one, until it changes no more. Nothing
 * refers back, so what no reader waits for is forgotten.
 */
export class StateChanges<T> implements AsyncIterable<T> {
  #latest: Entry<T>;

  constructor(first: T) {
    this.#latest = { value: first, next: Promise.withResolvers() };
  }

  get value(): T {
    return this.#latest.value;
  }

  set(value: T): void {
    const entry: Entry<T> = { value, next: Promise.withResolvers() };
    this.#latest.next.resolve(entry);
    this.#latest = entry;
  }

  end(): void {
    this.#latest.next.resolve(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let entry: Entry<T> | undefined = this.#latest;
    while (entry !== undefined) {
      yield entry.value;
      entry = await entry.next.promise;
    }
  }
}
