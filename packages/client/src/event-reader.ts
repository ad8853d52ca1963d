import type { EventWindow } from "./event-window.ts";
import type { HistoryPage, OpenHistory } from "./history-page.ts";
import { historyLost, type JobEvent } from "./job-event.ts";

type Step = IteratorResult<JobEvent, undefined>;

/** What a reader reads from. */
export interface EventSource {
  readonly window: EventWindow;
  /** How it ended; undefined until it has. */
  readonly ended: { readonly error: Error | undefined } | undefined;
  /** Calls the listener once, synchronously, at the next change. */
  onChange(listener: () => void): void;
  /** Removes the listener. */
  offChange(listener: () => void): void;
}

const END: Step = { done: true, value: undefined };

/**
 * One reader of a log, at its own pace. An event that is in memory, or that arrives while the reader waits, costs only one
 * promise.
 *
 * 1. Every event comes once and in order. Those that the log has dropped are read from pages of the runtime's history until a
 *    page reaches what is still in memory.
 * 2. Lost events are never skipped silently: one event of kind `history_lost` stands for them.
 */
export class EventReader implements AsyncIterableIterator<JobEvent, undefined> {
  readonly #log: EventSource;
  readonly #history: OpenHistory | undefined;
  /** The ordinal of the next event to take from memory. */
  #next = 0;
  /** The last `job_seq` that was read. */
  #seen: number;
  /** The `job_seq` at which loss of history was last reported. */
  #told: number | undefined;
  #page: HistoryPage | undefined;
  /** The last call of `next` that could not be answered at once; further calls queue up behind it. */
  #unanswered: Promise<Step> | undefined;
  /** Wakes the call that waits for a change of the log. */
  #waiting: (() => void) | undefined;
  #left = false;

  constructor(log: EventSource, after: number, history: OpenHistory | undefined) {
    this.#log = log;
    this.#seen = after;
    this.#history = history;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    if (this.#unanswered !== undefined) return this.#queue(this.#unanswered);
    const event = this.#fromMemory();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    return this.#queue(undefined);
  }

  return(): Promise<Step> {
    this.#left = true;
    this.#page?.leave();
    this.#page = undefined;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#log.offChange(waiting);
      waiting();
    }
    return Promise.resolve(END);
  }

  #queue(before: Promise<Step> | undefined): Promise<Step> {
    const step = before === undefined ? this.#step() : before.then(this.#step, this.#step);
    this.#unanswered = step;
    const answered = (): void => {
      if (this.#unanswered === step) this.#unanswered = undefined;
    };
    step.then(answered, answered);
    return step;
  }

  readonly #step = (): Promise<Step> =>
    new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        // The error is thrown once; after that the iterator is done.
        this.#left = true;
        reject(error);
      };
      const look = (): void => {
        this.#waiting = undefined;
        if (this.#left) return resolve(END);
        if (this.#isBehind) {
          this.#fromHistory().then((event) => {
            if (event === undefined) look();
            else resolve({ done: false, value: event });
          }, fail);
          return;
        }
        const event = this.#fromMemory();
        if (event !== undefined) return resolve({ done: false, value: event });
        const { ended } = this.#log;
        if (ended === undefined) {
          this.#waiting = look;
          return this.#log.onChange(look);
        }
        if (ended.error !== undefined) return fail(ended.error);
        this.#left = true;
        resolve(END);
      };
      look();
    });

  get #isBehind(): boolean {
    return this.#next < this.#log.window.first;
  }

  #fromMemory(): JobEvent | undefined {
    if (this.#left || this.#isBehind) return undefined;
    const event = this.#log.window.at(this.#next);
    if (event === undefined) return undefined;
    this.#next += 1;
    this.#seen = event.jobSeq ?? this.#seen;
    return event;
  }

  /** The events that follow are gone. Reports that once, however often it is found before the next event. */
  #lost(): JobEvent | undefined {
    if (this.#told === this.#seen) return undefined;
    this.#told = this.#seen;
    return historyLost(this.#seen);
  }

  /** @returns undefined if this page has nothing (more) to offer */
  async #fromHistory(): Promise<JobEvent | undefined> {
    const { window } = this.#log;
    if (this.#page === undefined) {
      const page = await this.#history?.(this.#seen);
      if (page === undefined) {
        // No history is available: every event that the log has dropped is lost.
        const lost = this.#lost();
        this.#next = window.first;
        this.#seen = window.forgotten;
        return lost;
      }
      if (this.#left) {
        page.leave();
        return undefined;
      }
      this.#page = page;
      if (page.truncated) return this.#lost();
    }
    const page = this.#page;
    const event = this.#seen < window.forgotten ? await page.next() : undefined;
    if (event?.jobSeq !== undefined && event.jobSeq <= window.forgotten) {
      this.#seen = event.jobSeq;
      return event;
    }
    // If the page was full or interrupted, another one follows.
    const isThrough = event !== undefined || page.isComplete || this.#seen >= window.forgotten;
    page.leave();
    this.#page = undefined;
    if (isThrough) this.#next = window.ordinalBehind(this.#seen);
    return undefined;
  }
}
