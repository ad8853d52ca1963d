import type { JobId } from "@arcp/core";
import type { Logger } from "pino";
import { DamagedLog } from "./damage.ts";
import type { AppendOutcome, LogBatch, LogPage, LogStore, PageLimits } from "./log-store.ts";
import type { Store } from "./store.ts";

/**
 * The logs of a store as far as they can be read: what is damaged counts as no longer kept, with all that is in front of it, from
 * when somebody first comes across it. So everybody is told of it as of what was evicted (P3), and nobody is of another
 * job's. The operator is told by the log.
 */
export class ReadableLogs implements LogStore {
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

  read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    if (this.#damaged.has(job)) return this.#readBehind(job, after, limits);
    return this.#logs.read(job, after, limits).catch((error: unknown) => {
      this.#noteDamage(job, after, error);
      return this.#readBehind(job, after, limits);
    });
  }

  listen(job: JobId, ring: () => void): () => void {
    return this.#logs.listen(job, ring);
  }

  async remove(job: JobId): Promise<void> {
    await this.#logs.remove(job);
    this.#damaged.delete(job);
  }

  async #readBehind(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    for (;;) {
      const lost = this.#damaged.get(job) ?? 0;
      const start = Math.max(after, lost);
      try {
        const page = await this.#logs.read(job, start, limits);
        // As it is now: somebody else may have come across more.
        if ((this.#damaged.get(job) ?? 0) !== lost) continue;
        const isEndLost = lost > 0 && page.head === lost;
        return { ...page, floor: Math.max(page.floor, lost), isEndLost };
      } catch (error) {
        this.#noteDamage(job, start, error);
      }
    }
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

/** The store with its logs as far as they can be read. */
export function readable(store: Store, logger: Logger): Store {
  const { jobs, sessions, idempotency, credentials, durable, failed } = store;
  const logs = new ReadableLogs(store.logs, logger);
  const close = () => store.close();
  return { logs, jobs, sessions, idempotency, credentials, durable, failed, close };
}
