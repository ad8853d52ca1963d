import { EventReader, type EventSource } from "./event-reader.ts";
import { EventWindow } from "./event-window.ts";
import type { OpenHistory } from "./history-page.ts";
import type { JobEvent } from "./job-event.ts";

/** How a log's readers get what it no longer holds, and how much it holds. */
export interface EventLogOptions {
  /** The `job_seq` behind which the log begins. */
  readonly after: number;
  /** Characters of the frames whose events are kept. */
  readonly bound: number;
  /** Absent when history cannot be had. */
  readonly history?: OpenHistory | undefined;
}

/**
 * What was received of a job so far and what is still to come, as an async iterable: every reader starts at the beginning
 * and reads at its own pace, and one that leaves disturbs nobody. Memory is bounded: a reader that is behind the bound gets
 * what it misses from the runtime's history.
 */
export class EventLog implements AsyncIterable<JobEvent>, EventSource {
  readonly #options: EventLogOptions;
  readonly window: EventWindow;
  #ended: { readonly error: Error | undefined } | undefined;
  /** Readers that wait for the next change. */
  #waiting: (() => void)[] = [];

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.window = new EventWindow(options.bound, options.after);
  }

  get ended(): { readonly error: Error | undefined } | undefined {
    return this.#ended;
  }

  onChange(listener: () => void): void {
    this.#waiting.push(listener);
  }

  offChange(listener: () => void): void {
    this.#waiting = this.#waiting.filter((each) => each !== listener);
  }

  /**
   * After the end it does nothing.
   *
   * @param size characters of its frame
   */
  append(event: JobEvent, size: number): void {
    if (this.#ended !== undefined) return;
    this.window.append(event, size);
    this.#ring();
  }

  /** Ends the log for all readers, once they have read what is in it. Only the first call counts. */
  end(error?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    this.#ring();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<JobEvent, undefined> {
    return new EventReader(this, this.#options.after, this.#options.history);
  }

  #ring(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
