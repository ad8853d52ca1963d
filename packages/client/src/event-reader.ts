import type { EventWindow } from "./event-window.ts";
import type { HistoryPage, OpenHistory } from "./history-page.ts";
import { historyLost, type JobEvent } from "./job-event.ts";

type Step = IteratorResult<JobEvent, undefined>;

/** What readers read. */
export interface EventSource {
  readonly window: EventWindow;
  /** How it ended; undefined while it has not. */
  readonly ended: { readonly error: Error | undefined } | undefined;
  /** Calls once, within the next change. */
  onChange(listener: () => void): void;
  /** Calls it no more. */
  offChange(listener: () => void): void;
}

const END: Step = { done: true, value: undefined };

/**
 * One reader of a log, at its own pace. What is in memory, and what comes while it waits, costs no more than one promise.
 *
 * 1. Every event comes once and in order. Those that the log has let go of are read from pages of the runtime's history,
 *    until a page has reached what is still in memory.
 * 2. What cannot be had any more is told by one event of kind `history_lost`, never passed over.
 */
export class EventReader implements AsyncIterableIterator<JobEvent, undefined> {
  readonly #log: EventSource;
  readonly #history: OpenHistory | undefined;
  /** The ordinal of the next event to take from memory. */
  #next = 0;
  /** The last `job_seq` that was read. */
  #seen: number;
  /** Where it was last told that history is lost. */
  #told: number | undefined;
  #page: HistoryPage | undefined;
  /** The last call that could not be answered at once; the next one waits behind it. */
  #unanswered: Promise<Step> | undefined;
  /** The call that waits for a change of the log. */
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
        // An error is told once; after it there is nothing.
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

  /** What follows is gone: told once, however often it is heard before the next event. */
  #lost(): JobEvent | undefined {
    if (this.#told === this.#seen) return undefined;
    this.#told = this.#seen;
    return historyLost(this.#seen);
  }

  /** @returns undefined when there is nothing (more) to be had from this page */
  async #fromHistory(): Promise<JobEvent | undefined> {
    const { window } = this.#log;
    if (this.#page === undefined) {
      const page = await this.#history?.(this.#seen);
      if (page === undefined) {
        // Nothing can be had: all that was let go of is lost.
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
    // A page that was full, or interrupted, is followed by another one.
    const isThrough = event !== undefined || page.isComplete || this.#seen >= window.forgotten;
    page.leave();
    this.#page = undefined;
    if (isThrough) this.#next = window.ordinalBehind(this.#seen);
    return undefined;
  }
}
