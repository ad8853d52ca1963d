import type { AppendOutcome, LogBatch, LogStore, Store } from "../../src/store/index.ts";
import { settled } from "../held-store.ts";

type Call = (...given: unknown[]) => unknown;

/** The calls of each part that change something, and those that only read. */
const CALLS = {
  logs: { writes: ["append", "remove"], reads: ["read"] },
  jobs: { writes: ["insert", "update", "remove"], reads: ["get", "list"] },
  sessions: {
    writes: ["insert", "claim", "commit", "forget", "removeRuns"],
    reads: ["findByToken", "get", "list", "attachments", "refusal", "runs"],
  },
  idempotency: { writes: ["put", "removeJob"], reads: ["get"] },
  credentials: { writes: ["insert", "remove"], reads: ["list"] },
} as const;

/** Lets the process that uses a store die between two changes: later changes never take place, and nothing is answered. */
export class MortalStore {
  #left = Number.POSITIVE_INFINITY;
  #lag = 0;
  #lives = 0;
  #died = Promise.withResolvers<void>();

  /** @param apart whether it changes a job's row only after the records that come with the change, as without transactions */
  constructor(store: Store, apart: boolean) {
    const { append } = store.logs;
    if (apart) store.logs.append = (batches) => this.#appendApart(store, append, batches);
    for (const [part, { writes, reads }] of Object.entries(CALLS)) {
      const calls = Reflect.get(store, part) as object;
      for (const name of [...writes, ...reads]) {
        const call = Reflect.get(calls, name) as Call;
        const isWrite = !(reads as readonly string[]).includes(name);
        Reflect.set(calls, name, (...given: unknown[]) => {
          if (isWrite && !this.#takesPlace()) return new Promise(() => {});
          // At once, since a store carries out calls in order.
          return this.#answered(call.apply(calls, given));
        });
      }
    }
  }

  /** Resolves when the live process has died. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  /**
   * A process begins.
   * @param changes that it makes before it dies; infinite for one that lives
   * @param lag turns of the event loop that each answer takes
   */
  begin(changes: number, lag = 0): void {
    this.#lives += 1;
    this.#left = changes;
    this.#lag = lag;
    this.#died = Promise.withResolvers();
  }

  /** The process does not die any more. */
  spare(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }

  #takesPlace(): boolean {
    this.#left -= 1;
    if (this.#left < 0) this.#died.resolve();
    return this.#left >= 0;
  }

  async #appendApart(
    { logs, jobs }: Store,
    append: LogStore["append"],
    batches: readonly LogBatch[],
  ): Promise<readonly AppendOutcome[]> {
    const outcomes = await append.call(
      logs,
      batches.map(({ change: _, ...batch }) => batch),
    );
    for (const [i, { job, change }] of batches.entries()) {
      if (outcomes[i] === "appended" && change !== undefined) await jobs.update(job, change);
    }
    return outcomes;
  }

  async #answered(outcome: unknown): Promise<unknown> {
    const life = this.#lives;
    if (this.#lag > 0) await settled(this.#lag);
    const isDead = life !== this.#lives || this.#left < 0;
    return isDead ? new Promise(() => {}) : outcome;
  }
}
