/**
 * What was received so far and what is still to come, as an async iterable: every reader starts at the beginning and
 * reads at its own pace, and one that leaves disturbs nobody.
 */
export class EventLog<T extends object> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended: { readonly error: Error | undefined } | undefined;
  /** One promise that all waiting readers share; made only when somebody waits. */
  #bell: PromiseWithResolvers<void> | undefined;

  /** After the end it does nothing. */
  append(item: T): void {
    if (this.#ended !== undefined) return;
    this.#items.push(item);
    this.#ring();
  }

  /** Ends the log for all readers, once they have read what is in it. Only the first call counts. */
  end(error?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    this.#ring();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let next = 0;
    for (;;) {
      const item = this.#items[next];
      if (item !== undefined) {
        next += 1;
        yield item;
      } else if (this.#ended !== undefined) {
        if (this.#ended.error !== undefined) throw this.#ended.error;
        return;
      } else {
        this.#bell ??= Promise.withResolvers();
        await this.#bell.promise;
      }
    }
  }

  #ring(): void {
    this.#bell?.resolve();
    this.#bell = undefined;
  }
}
