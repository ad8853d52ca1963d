/** A client as its users have it, that reads all of a stream of small events. */
export interface StreamReader {
  /**
   * Asks for a stream of so many events and takes it with `for await`. Rejects when an event is missing or out of order.
   * @returns milliseconds from the request to the end of the stream
   */
  read(events: number): Promise<number>;
}

/** Counts the events of one stream and checks their order. */
export class Count {
  #last: number;
  readonly #first: number;

  /** @param first the `job_seq` of the first event */
  constructor(first: number) {
    this.#first = first;
    this.#last = first - 1;
  }

  take(jobSeq: number | undefined): void {
    if (jobSeq !== this.#last + 1) throw new Error(`job_seq ${jobSeq} came behind ${this.#last}`);
    this.#last = jobSeq;
  }

  /** @throws Error when the stream was not whole */
  finish(events: number): void {
    const came = this.#last - this.#first + 1;
    if (came !== events) throw new Error(`${came} events came of ${events}`);
  }
}
