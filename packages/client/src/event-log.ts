import { EventReader, type EventSource } from "./event-reader.ts";
import { EventWindow } from "./event-window.ts";
import type { OpenHistory } from "./history-page.ts";
import type { JobEvent } from "./job-event.ts";

/** How much a log keeps in memory, and how its readers get what it no longer holds. */
export interface EventLogOptions {
  /** The `job_seq` after which the log begins. */
  readonly after: number;
  /** How many characters of frames are kept as events. */
  readonly bound: number;
  /** Absent if history is not available. */
  readonly history?: OpenHistory | undefined;
}

/**
 * The events of a job, past and future, as an async iterable: every reader starts at the beginning and reads at its own pace,
 * and may leave without affecting the others. Memory is bounded: a reader that falls behind the bound gets the missing events
 * from the runtime's history.
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
   * Adds an event; does nothing after the end.
   *
   * @param size the length of its frame, in characters
   */
  append(event: JobEvent, size: number): void {
    if (this.#ended !== undefined) return;
    this.window.append(event, size);
    this.#ring();
  }

  /** Ends the log for every reader once it has read what the log contains. Only the first call counts. */
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
