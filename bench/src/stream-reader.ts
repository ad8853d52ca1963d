/** A client as its users have it, which reads a whole stream of small events. */
export interface StreamReader {
  /**
   * Requests a stream of this many events and reads it with `for await`. Rejects if an event is missing or out of order.
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

  /** @throws Error if the stream was incomplete */
  finish(events: number): void {
    const came = this.#last - this.#first + 1;
    if (came !== events) throw new Error(`${came} events came of ${events}`);
  }
}
