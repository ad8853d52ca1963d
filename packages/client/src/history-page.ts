import type { JobId } from "@arcp/core";
import type { JobEvent } from "./job-event.ts";

/**
 * Opens what follows a `job_seq` in the runtime's history of a job: undefined when the runtime does not have it any more,
 * or cannot tell. Rejects when the client can ask no longer, with what ended it.
 */
export type OpenHistory = (after: number) => Promise<HistoryPage | undefined>;

/** The same, for a feed that hears of each event as it comes, and says what is to be kept of it. */
export type HearHistory = (
  after: number,
  heard: (event: JobEvent) => JobEvent,
) => Promise<HistoryPage | undefined>;

export interface HistoryPageOptions {
  readonly jobId: JobId;
  readonly after: number;
  /** Older events than asked for are gone. */
  readonly truncated: boolean;
  /** Characters of frames that may wait for the reader. */
  readonly bound: number;
  /** Called with each event that came. @returns what is to be kept of it */
  readonly heard: (event: JobEvent) => JobEvent;
  /** Called when nothing more is wanted though more may come. */
  readonly left: (page: HistoryPage) => void;
}

/**
 * A piece of a job's history for one reader. It takes what comes as long as there is room, and then nothing more: the
 * reader asks for another page behind the last event that it got.
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

  /** The job's last event has come. */
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

  /** The job has ended. */
  finish(): void {
    if (!this.#over) this.#isComplete = true;
    this.#end();
  }

  fail(error: Error): void {
    if (!this.#over) this.#error = error;
    this.#end();
  }

  /** Nothing more will come. */
  interrupt(): void {
    this.#end();
  }

  /** Takes nothing more. What waits can still be read. */
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
        // Also while it never runs empty, or it would keep all that was read.
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
