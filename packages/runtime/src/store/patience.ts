import { type Clock, sleep } from "@arcp/core";
import { isClosed } from "./closed.ts";
import type { LogStore } from "./log-store.ts";
import { askStore } from "./outage.ts";
import { PAUSES } from "./retry.ts";

/** The same for one of many tasks, once another one has been given up: a single rejection is no reason to give up. */
const BRIEF: readonly number[] = PAUSES.slice(0, 1);

/** What a store keeps refusing to do about one job, although it answers other calls. */
export class Refusal {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

type Outage = { readonly error: unknown } | undefined;

/**
 * Repeats what a store rejects of many tasks, each about one job, and finds out whose failure it is: after each rejection the store
 * is asked something else. If it rejects that too, nothing can be said about the job, and the store is waited for; so an outage
 * strikes no job, whenever it begins and ends. If it answers, the task is refused, and repeated as everywhere until the first one is
 * given up. From then on each is given up at the second refusal: a store that refuses one for so long may refuse many.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #logs: Pick<LogStore, "read">;
  #pauses: readonly number[] = PAUSES;
  #nextAnswer: Promise<Outage> | undefined;

  constructor(clock: Clock, logs: Pick<LogStore, "read">) {
    this.#clock = clock;
    this.#logs = logs;
  }

  /** @throws what the store rejects other calls with, if it is closed or the outage lasts too long */
  async retried<T>(task: () => Promise<T>): Promise<T | Refusal> {
    for (let refusals = 0, outages = 0; ; ) {
      try {
        return await task();
      } catch (error) {
        if (isClosed(error)) throw error;
        const outage = await this.#outage();
        const pause = outage === undefined ? this.#pauses[refusals++] : PAUSES[outages++];
        if (pause !== undefined) await sleep(this.#clock, pause);
        else if (outage !== undefined) throw outage.error;
        else {
          this.#pauses = BRIEF;
          return new Refusal(error);
        }
      }
    }
  }

  /** Asks the store, once for all tasks that fail together. A question under way was asked too early, perhaps before the outage. */
  #outage(): Promise<Outage> {
    this.#nextAnswer ??= Promise.resolve().then(() => {
      this.#nextAnswer = undefined;
      return askStore(this.#logs).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
    });
    return this.#nextAnswer;
  }
}
