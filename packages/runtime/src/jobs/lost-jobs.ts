import { type ArcpError, type Clock, isTerminal, type JobId } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import { DamagedRow } from "../store/damage.ts";
import type { AppendOutcome, Cancel, JobRow } from "../store/index.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import type { AnnouncedChildren } from "./announced-children.ts";
import { cancelled, type Ending, jobDamaged, lost, parentEnded, takenOver } from "./ending.ts";
import type { Job } from "./job.ts";
import { tailOf } from "./log-tail.ts";
import type { PostponedWork } from "./postponed-work.ts";
import { forgetJob } from "./removal.ts";
import type { JobTable } from "./table.ts";
import { writeEnd } from "./written-end.ts";

/** The sessions that follow a job. */
export interface Followers {
  /** Its log has more to read. */
  readOn(job: JobId): void;
  /** Its end will never be known here. */
  lost(job: JobId, error: ArcpError): void;
}

export interface LostJobsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<ReadableStore, "jobs" | "logs" | "idempotency">;
  readonly postponed: Pick<PostponedWork, "add">;
  readonly jobs: Pick<JobTable, "finish" | "forget" | "strand">;
  readonly followers: Followers;
}

/** The number of attempts for a damaged job, after which the store is taken to refuse this job for good. */
const TRIES = 10;

/**
 * Jobs that are over although neither their own log nor their parent's says so, because the store refused it for too long. Once
 * the store recovers, they end as the next process would end them, because their followers wait for that (R-7.3-10, J3). Delegated
 * jobs that their parent's log does not announce are forgotten, as the next process would do too (R-10-2).
 */
export class LostJobs {
  readonly #options: LostJobsOptions;

  constructor(options: LostJobsOptions) {
    this.#options = options;
  }

  add(job: Job): void {
    const { id, loss, parent, family } = job;
    if (loss === "fenced") return this.#options.followers.lost(id, takenOver(id));
    // If the log is closed, every client is told of that anyway.
    if (loss === "closed") return;
    let tries = 0;
    const work = async (announced: AnnouncedChildren): Promise<void> => {
      const found = { isDamaged: false };
      try {
        await this.#end(job, announced, found);
      } catch (error) {
        tries = found.isDamaged ? tries + 1 : 0;
        if (tries < TRIES || isClosed(error)) throw error;
        this.#giveUp(id, error);
      }
    };
    // Only once its parent has ended, it is certain that no announcement will follow.
    const follows = family.isInDoubt ? parent : undefined;
    this.#options.postponed.add(id, work, { log: id, follows });
  }

  #giveUp(id: JobId, error: unknown): void {
    const { logger, followers } = this.#options;
    logger.error({ job: id, err: error }, "a damaged job has no end: the store accepts none");
    followers.lost(id, jobDamaged(id, error));
  }

  /** @param found is told whether the store's data of the job is damaged, even if that cannot be mended */
  async #end(job: Job, announced: AnnouncedChildren, found: { isDamaged: boolean }): Promise<void> {
    const { logger, jobs, followers } = this.#options;
    // Unannounced, the child never existed.
    if (job.family.isInDoubt && (await announced.lack(job))) {
      await forgetJob(this.#options, job);
      return jobs.forget(job);
    }
    if ((await this.#write(job, found)) === "fenced") {
      jobs.forget(job);
      jobs.strand(job, true);
      return followers.lost(job.id, takenOver(job.id));
    }
    logger.warn({ job: job.id }, "a job that lost its log has its end stored");
    jobs.finish(job);
    followers.readOn(job.id);
  }

  async #write(job: Job, found: { isDamaged: boolean }): Promise<AppendOutcome> {
    const { id, lastSeq, waiting, traceId } = job;
    const { store } = this.#options;
    const row = await this.#row(id);
    if (row === "damaged") found.isDamaged = true;
    else if (row === undefined || isTerminal(row.status)) return "appended";
    const { head, last, end } = await tailOf(id, store.logs);
    // Another runtime has taken the job over and decides its end (J1). An end of which the index does not know may be our own.
    if (end === undefined && head > lastSeq + waiting) return "fenced";
    if (head > 0 && last === undefined) found.isDamaged = true;
    const known = row === "damaged" ? { id, traceId, lease: {}, cancel: undefined } : row;
    const written = end ?? endOf(job, known.cancel);
    return writeEnd(this.#options, known, written, { head, isDamaged: found.isDamaged });
  }

  async #row(id: JobId): Promise<JobRow | "damaged" | undefined> {
    try {
      return await this.#options.store.jobs.get(id);
    } catch (error) {
      if (error instanceof DamagedRow) return "damaged";
      throw error;
    }
  }
}

/** The ending that has been reported since the job was lost. */
function endOf({ status, family }: Job, cancel: Cancel = {}): Ending {
  if (status === "cancelled") return cancelled(cancel);
  return family.isInDoubt ? parentEnded() : lost();
}
