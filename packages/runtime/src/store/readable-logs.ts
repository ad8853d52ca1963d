import type { JobId } from "@arcp/core";
import type { Logger } from "pino";
import { DamagedLog } from "./damage.ts";
import type { AppendOutcome, LogBatch, LogPage, LogStore, PageLimits } from "./log-store.ts";
import { isSound } from "./record-text.ts";
import type { Store } from "./store.ts";

/** Some records of a log as far as they can be read. */
export interface ReadablePage extends LogPage {
  /** Whether the last record of the log is lost to damage. */
  readonly isEndLost?: boolean;
}

/** The logs as the runtime has them: no read of one that is damaged rejects. */
export interface ReadableLogStore extends LogStore {
  read(job: JobId, after: number, limits: PageLimits): Promise<ReadablePage>;
}

/** The store as the runtime has it. */
export interface ReadableStore extends Store {
  readonly logs: ReadableLogStore;
}

/**
 * The logs of a store as far as they can be read: what is damaged counts as no longer kept, with all that is in front of it, from
 * when somebody first comes across it. So everybody is told of it as of what was evicted (P3), and nobody is of another
 * job's. The operator is told by the log.
 */
export class ReadableLogs implements ReadableLogStore {
  readonly #logs: LogStore;
  readonly #logger: Logger;
  /** The last damaged record that was come across of each job, by its `job_seq`. */
  readonly #damaged = new Map<JobId, number>();

  constructor(logs: LogStore, logger: Logger) {
    this.#logs = logs;
    this.#logger = logger;
  }

  append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]> {
    return this.#logs.append(batches);
  }

  async read(job: JobId, after: number, limits: PageLimits): Promise<ReadablePage> {
    for (;;) {
      const lost = this.#damaged.get(job) ?? 0;
      const start = Math.max(after, lost);
      try {
        const { floor, head, records } = await this.#read(job, start, limits);
        // As it is now: somebody else may have come across more.
        if ((this.#damaged.get(job) ?? 0) !== lost) continue;
        const isEndLost = lost > 0 && head === lost;
        return { floor: Math.max(floor, lost), head, records, isEndLost };
      } catch (error) {
        this.#noteDamage(job, start, error);
      }
    }
  }

  listen(job: JobId, ring: () => void): () => void {
    return this.#logs.listen(job, ring);
  }

  async remove(job: JobId): Promise<void> {
    await this.#logs.remove(job);
    this.#damaged.delete(job);
  }

  /** @throws DamagedLog when one of the records is there and is nonsense, and whatever the store throws */
  async #read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    const page = await this.#logs.read(job, after, limits);
    const last = page.records.findLastIndex((record) => !isSound(record));
    if (last === -1) return page;
    for (const { long } of page.records) long?.giveBack();
    const seq = Math.max(after, page.floor) + last + 1;
    throw new DamagedLog(whatIsNonsense(job, seq), seq);
  }

  /** @throws the error, when it is of another kind, or would have nothing to go on behind */
  #noteDamage(job: JobId, after: number, error: unknown): void {
    if (!(error instanceof DamagedLog) || error.through <= after) throw error;
    if (error.through <= (this.#damaged.get(job) ?? 0)) return;
    this.#damaged.set(job, error.through);
    this.#logger.error(
      { job, err: error },
      "the log of a job is damaged: it counts as lost up to there",
    );
  }
}

function whatIsNonsense(job: JobId, seq: number): string {
  return `the store is damaged: record ${seq} of ${job} is not what was written; restore the store from a backup`;
}

/** The store with its logs as far as they can be read; what ends with the process is never damaged. */
export function readable(store: Store, logger: Logger): ReadableStore {
  if (!store.durable) return store;
  const { jobs, sessions, idempotency, credentials, durable, failed } = store;
  const logs = new ReadableLogs(store.logs, logger);
  const close = () => store.close();
  return { logs, jobs, sessions, idempotency, credentials, durable, failed, close };
}
