import { type Clock, isTerminal, type SessionId } from "@arcp/core";
import type { Logger } from "pino";
import { removeJob } from "./jobs/removal.ts";
import { type EndedJob, Retention } from "./jobs/retention.ts";
import type { JobTable } from "./jobs/table.ts";
import type { EffectiveLimits } from "./limits.ts";
import type { Sessions } from "./session/sessions.ts";
import { isClosed } from "./store/closed.ts";
import { unlessDamaged } from "./store/damage.ts";
import type { ReadableStore } from "./store/readable-logs.ts";
import { retried } from "./store/retry.ts";
import type { Turn } from "./turn.ts";

export interface ArchiveOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: ReadableStore;
  readonly jobs: JobTable;
  readonly sessions: Sessions;
  readonly turn: Pick<Turn, "next">;
  /** How long a finished job is kept, in milliseconds. */
  readonly retention: number;
  readonly limits: Pick<EffectiveLimits, "finishedJobsPerPrincipal" | "liveJobsPerPrincipal">;
}

/** Keeps the finished jobs, and removes them from the store when their time is over. */
export class Archive {
  readonly #options: ArchiveOptions;
  readonly #retention: Retention;
  readonly #removals = new Set<Promise<unknown>>();

  constructor(options: ArchiveOptions) {
    this.#options = options;
    const { clock, turn, retention: ms, limits, sessions } = options;
    this.#retention = new Retention({
      clock,
      turn,
      ms,
      most: limits.finishedJobsPerPrincipal,
      // All live jobs of a principal may finish at the same time, before anybody has read them.
      excess: limits.liveJobsPerPrincipal,
      held: (job) => this.#isRead(job) || sessions.audience.holds(job.id),
      read: (job) => this.#isRead(job),
      remove: (job) => this.#counted(this.#remove(job)),
    });
  }

  /**
   * Starts the retention period of a job that has ended.
   * @param age milliseconds since its end
   */
  keep(job: EndedJob, age = 0): void {
    this.#retention.keep(job, age);
  }

  /** Removes a job whose removal was interrupted. */
  dismiss(job: EndedJob): void {
    this.#retention.dismiss(job);
  }

  /** Whether a principal has so many finished jobs that cannot be removed that it may submit no more (R-7.1-5). */
  isFull(principal: string): boolean {
    return this.#retention.isFull(principal);
  }

  close(): void {
    this.#retention.close();
  }

  /** Resolves once no removal is in progress. Call after {@link close}. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Registers a removal until it settles. */
  #counted<T>(removal: Promise<T>): Promise<T> {
    this.#removals.add(removal);
    return removal.finally(() => this.#removals.delete(removal));
  }

  /** Whether a session still has to read the job, start reading it, or learn that it exists (R-14-3). */
  #isRead({ id, session, lineage }: Pick<EndedJob, "id" | "session" | "lineage">): boolean {
    const { jobs, sessions } = this.#options;
    if (jobs.isExpected(id) || sessions.owes(id, session)) return true;
    return sessions.audience.reads(id) || sessions.audience.awaits(id, lineage);
  }

  /**
   * Removes a finished job and its log. Once the last job of a forgotten session is gone, also removes that session's numbering.
   * @returns whether the job is gone
   */
  async #remove(job: Pick<EndedJob, "id" | "session">): Promise<boolean> {
    const { id } = job;
    const { clock, store, sessions, jobs, logger } = this.#options;
    const remove = async (): Promise<void> => {
      const row = await unlessDamaged(store.jobs.get(id));
      // Another process has taken the job over and still runs it, so it is not ours to remove.
      if (row !== undefined && !isTerminal(row.status)) return;
      const session = row?.session ?? job.session;
      await sessions.audience.release(id);
      await removeJob(store, id);
      sessions.audience.removed(id);
      for (const numbered of new Set([session, row?.submittedIn ?? session])) {
        const gone = numbered !== undefined && sessions.get(numbered) === undefined;
        // Nobody can resume it: the row that names the session is gone by now.
        if (gone && !(await retried(clock, () => hasJobs(jobs, store, numbered)))) {
          await retried(clock, () => store.sessions.removeRuns(numbered));
        }
      }
    };
    try {
      await jobs.removing(id, remove);
      return true;
    } catch (error) {
      // A closed store has already been reported once; do not repeat that for every job.
      const level = isClosed(error) ? "debug" : "error";
      logger[level]({ job: id, err: error }, "a finished job could not be removed yet");
      return false;
    }
  }
}

/**
 * Whether any job that the session submitted is still kept, whoever owns it now; if so, so is the session's numbering (R-6.3-18).
 */
export async function hasJobs(
  jobs: JobTable,
  store: Pick<ReadableStore, "jobs">,
  session: SessionId,
): Promise<boolean> {
  if (jobs.has(session)) return true;
  for (const query of [{ session }, { submittedIn: session }]) {
    if ((await store.jobs.list({ ...query, limit: 1 })).length > 0) return true;
  }
  return false;
}
