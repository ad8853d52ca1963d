import type { JobId } from "@arcp/core";
import type { Logger } from "pino";
import { DamagedLog } from "./damage.ts";
import type { AppendOutcome, LogBatch, LogPage, LogStore, PageLimits } from "./log-store.ts";
import { isSound } from "./record-text.ts";
import type { Store } from "./store.ts";

/** A page of a log, as far as it can be read. */
export interface ReadablePage extends LogPage {
  /** Whether the last record of the log is lost to damage. */
  readonly isEndLost?: boolean;
}

/** The logs as the runtime sees them: reading a damaged log does not reject. */
export interface ReadableLogStore extends LogStore {
  read(job: JobId, after: number, limits: PageLimits): Promise<ReadablePage>;
}

/** The store as the runtime sees it. */
export interface ReadableStore extends Store {
  readonly logs: ReadableLogStore;
}

/**
 * Makes damaged logs readable: once damage is found, the damaged records and all before them count as no longer kept. So viewers
 * are told of it as of evicted records (P3), and other jobs are not affected. The operator is told by the log.
 */
export class ReadableLogs implements ReadableLogStore {
  readonly #logs: LogStore;
  readonly #logger: Logger;
  /** The `job_seq` of the last damaged record found in each job's log. */
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
        // Check again: another read may have found more damage meanwhile.
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

  /** @throws DamagedLog if a record exists but makes no sense, and whatever the store throws */
  async #read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    const page = await this.#logs.read(job, after, limits);
    const last = page.records.findLastIndex((record) => !isSound(record));
    if (last === -1) return page;
    for (const { long } of page.records) long?.giveBack();
    const seq = Math.max(after, page.floor) + last + 1;
    throw new DamagedLog(whatIsNonsense(job, seq), seq);
  }

  /** @throws the error itself if it is of another kind, or reports no damage after `after` */
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

/** The store with readable logs. One that ends with the process is never damaged, and returned unchanged. */
export function readable(store: Store, logger: Logger): ReadableStore {
  if (!store.durable) return store;
  const { jobs, sessions, idempotency, credentials, durable, failed } = store;
  const logs = new ReadableLogs(store.logs, logger);
  const close = () => store.close();
  return { logs, jobs, sessions, idempotency, credentials, durable, failed, close };
}
