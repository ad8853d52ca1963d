import type { Envelope } from "@arcp/core";

interface Reader {
  /** Takes the envelope if it fits. */
  readonly offer: (envelope: Envelope) => boolean;
  readonly fail: (error: Error) => void;
}

/** Envelopes that arrived and were not read yet. A reader takes the first that matches and leaves the others alone. */
export class Inbox {
  readonly #unread: Envelope[] = [];
  readonly #readers = new Set<Reader>();
  #ended: Error | undefined;

  /** Whether a reader is waiting. */
  get awaited(): boolean {
    return this.#readers.size > 0;
  }

  push(envelope: Envelope): void {
    for (const reader of this.#readers) {
      if (!reader.offer(envelope)) continue;
      this.#readers.delete(reader);
      return;
    }
    this.#unread.push(envelope);
  }

  /** Fails all waits in progress. */
  interrupt(error: Error): void {
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader.fail(error);
  }

  /** Marks the end of the connection: unread envelopes can still be taken, further waits fail. */
  end(error: Error): void {
    this.#ended ??= error;
    this.interrupt(error);
  }

  /**
   * @param signal ends the wait with its reason
   * @param explain turns the error of an interruption into this reader's
   */
  take<E extends Envelope>(
    fits: (envelope: Envelope) => envelope is E,
    signal: AbortSignal,
    explain: (error: Error) => Error,
  ): Promise<E> {
    for (const [index, envelope] of this.#unread.entries()) {
      if (!fits(envelope)) continue;
      this.#unread.splice(index, 1);
      return Promise.resolve(envelope);
    }
    if (this.#ended !== undefined) return Promise.reject(explain(this.#ended));
    return new Promise((resolve, reject) => {
      const reader: Reader = {
        offer(envelope) {
          const taken = fits(envelope);
          if (taken) resolve(envelope);
          return taken;
        },
        fail: (error) => reject(explain(error)),
      };
      this.#readers.add(reader);
      const abort = (): void => {
        this.#readers.delete(reader);
        reject(signal.reason);
      };
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }
}
