import type { JobId } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

/**
 * Opens the part of the runtime's history of a job that follows a `job_seq`; undefined if the runtime no longer has it, or
 * cannot provide it. Once the client can no longer ask, rejects with what ended it.
 */
export type OpenHistory = (after: number) => Promise<HistoryPage | undefined>;

/** The same, for a feed that sees each event as it arrives and returns what to keep of it. */
export type HearHistory = (
  after: number,
  heard: (event: JobEvent) => JobEvent,
) => Promise<HistoryPage | undefined>;

export interface HistoryPageOptions {
  readonly jobId: JobId;
  readonly after: number;
  /** Whether some of the requested events are gone. */
  readonly truncated: boolean;
  /** How many characters of frames may wait for the reader. */
  readonly bound: number;
  /** Called with each event that arrives. @returns what to keep of it */
  readonly heard: (event: JobEvent) => JobEvent;
  /** Called when the page wants no more although more may come. */
  readonly left: (page: HistoryPage) => void;
}

/**
 * A part of a job's history for one reader. It takes events until it is full, and then no more: the reader requests another page
 * after the last event that it got.
 */
export class HistoryPage {
  readonly jobId: JobId;
  readonly truncated: boolean;
  readonly #bound: number;
  readonly #heard: (event: JobEvent) => JobEvent;
  readonly #left: (page: HistoryPage) => void;
  #position: number;
  #waiting: { readonly event: JobEvent; readonly size: number }[] = [];
  #next = 0;
  #size = 0;
  #over = false;
  #isComplete = false;
  #error: Error | undefined;
  #bell: PromiseWithResolvers<void> | undefined;

  constructor({ jobId, after, truncated, bound, heard, left }: HistoryPageOptions) {
    this.jobId = jobId;
    this.truncated = truncated;
    this.#position = after;
    this.#bound = bound;
    this.#heard = heard;
    this.#left = left;
  }

  /** Whether the end of the job has arrived. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  append(event: JobEvent, size: number): void {
    const { jobSeq } = event;
    if (this.#over || jobSeq === undefined || jobSeq <= this.#position) return;
    this.#position = jobSeq;
    this.#waiting.push({ event: this.#heard(event), size });
    this.#size += size;
    if (this.#size > this.#bound) this.leave();
    this.#ring();
  }

  /** Ends the page because the job has ended. */
  finish(): void {
    if (!this.#over) this.#isComplete = true;
    this.#end();
  }

  fail(error: Error): void {
    if (!this.#over) this.#error = error;
    this.#end();
  }

  /** Ends the page because nothing more will come. */
  interrupt(): void {
    this.#end();
  }

  /** Takes no more events. Those that wait can still be read. */
  leave(): void {
    if (this.#over) return;
    this.#end();
    this.#left(this);
  }

  /** @returns undefined at the end of the page */
  async next(): Promise<JobEvent | undefined> {
    for (;;) {
      const first = this.#waiting[this.#next];
      if (first !== undefined) {
        this.#next += 1;
        // Compact even if the page never runs empty, or it would keep everything that was read.
        if (this.#next * 2 > this.#waiting.length) {
          this.#waiting = this.#waiting.slice(this.#next);
          this.#next = 0;
        }
        this.#size -= first.size;
        return first.event;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#over) return undefined;
      this.#bell ??= Promise.withResolvers();
      await this.#bell.promise;
    }
  }

  #end(): void {
    this.#over = true;
    this.#ring();
  }

  #ring(): void {
    this.#bell?.resolve();
    this.#bell = undefined;
  }
}
