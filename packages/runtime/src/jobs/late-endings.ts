import { type ArcpError, type Clock, isTerminal, type JobId, type Timer } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import { DamagedRow } from "../store/damage.ts";
import type { Cancel, JobRow } from "../store/index.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import { AnnouncedChildren } from "./announced-children.ts";
import { cancelled, type Ending, jobDamaged, lost, parentEnded } from "./ending.ts";
import type { Job } from "./job.ts";
import { tailOf } from "./log-tail.ts";
import { forgetJob } from "./removal.ts";
import { writeEnd } from "./written-end.ts";

/** The retry interval in milliseconds: `first` for so many `times`, then doubling up to `longest`. */
const PAUSE = { first: 2000, times: 30, longest: 60_000 };

export interface LateEndingsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<ReadableStore, "jobs" | "logs" | "idempotency">;
  /** Called with a job whose end is durable at last. */
  readonly ended: (job: Job) => void;
  /** Called with a child that never existed: nothing announces it, and nothing of it is kept any more. */
  readonly forgotten: (job: Job) => void;
  /** Called with a damaged job that will never have an end. */
  readonly damaged: (job: JobId, error: ArcpError) => void;
}

/** One attempt to end a job. */
interface Attempt {
  readonly announced: AnnouncedChildren;
  /** Set if the store's data of the job is damaged. */
  isDamaged: boolean;
}

interface Late {
  /** The job that must have ended before. */
  readonly follows: JobId | undefined;
  /** Rejects as long as the store refuses. */
  readonly end: (attempt: Attempt) => Promise<void>;
  /** The number of attempts since the job is known to be damaged. */
  readonly tries: number;
}

/** The number of attempts for a damaged job, after which the store is taken to refuse this job for good. */
const TRIES = 10;

/**
 * Writes the ends of jobs that are over although their log does not say so, because the store refused it for too long. Once the
 * store recovers, they end as the next process would end them, because their followers wait for that (R-7.3-10, J3). Delegated jobs
 * that their parent's log does not announce are forgotten, as the next process would do too (R-10-2). So it is with jobs of the
 * previous process that could not be recovered at the start.
 */
export class LateEndings {
  readonly #options: LateEndingsOptions;
  readonly #late = new Map<JobId, Late>();
  /** The number of consecutive failures. */
  #refused = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: LateEndingsOptions) {
    this.#options = options;
  }

  add(job: Job): void {
    const { id, parent, family } = job;
    // Only once its parent has ended, it is certain that no announcement will follow.
    const follows = family.isInDoubt ? parent : undefined;
    this.#add(id, { follows, end: (attempt) => this.#end(job, attempt), tries: 0 });
  }

  /** @param recover recovers a job of the previous process; rejects as long as the store refuses */
  addStranded(id: JobId, recover: (announced: AnnouncedChildren) => Promise<void>): void {
    this.#add(id, { follows: undefined, end: ({ announced }) => recover(announced), tries: 0 });
  }

  #add(id: JobId, late: Late): void {
    this.#late.set(id, late);
    this.#arm();
  }

  /** Stops; the next process does the rest. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.#late.size === 0) return;
    const longer = Math.max(0, this.#refused - PAUSE.times);
    const pause = Math.min(PAUSE.first * 2 ** longer, PAUSE.longest);
    this.#timer = this.#options.clock.after(pause, () => void this.#retry());
  }

  /** Never rejects. */
  async #retry(): Promise<void> {
    const { logger, store } = this.#options;
    const announced = new AnnouncedChildren(store);
    for (const [id, late] of [...this.#late]) {
      if (late.follows !== undefined && this.#late.has(late.follows)) continue;
      const attempt = { announced, isDamaged: false };
      try {
        await late.end(attempt);
        this.#late.delete(id);
        this.#refused = 0;
      } catch (error) {
        if (isClosed(error)) this.close();
        logger.debug({ job: id, err: error }, "the end of a job cannot be stored yet");
        // The other jobs would probably fail too, so only one is tried per pause, each in turn.
        this.#late.delete(id);
        const tries = attempt.isDamaged ? late.tries + 1 : 0;
        if (tries >= TRIES) this.#giveUp(id, error);
        else this.#late.set(id, { ...late, tries });
        this.#refused += 1;
        break;
      }
      if (this.#closed) return;
    }
    this.#timer = undefined;
    this.#arm();
  }

  #giveUp(id: JobId, error: unknown): void {
    const { logger, damaged } = this.#options;
    logger.error({ job: id, err: error }, "a damaged job has no end: the store accepts none");
    damaged(id, jobDamaged(id, error));
  }

  async #end(job: Job, attempt: Attempt): Promise<void> {
    const { logger, ended, forgotten } = this.#options;
    // Unannounced, the child never existed.
    if (job.family.isInDoubt && (await attempt.announced.lack(job))) {
      await forgetJob(this.#options, job);
      return forgotten(job);
    }
    await this.#write(job, attempt);
    logger.warn({ job: job.id }, "a job that lost its log has its end stored");
    ended(job);
  }

  async #write(job: Job, attempt: Attempt): Promise<void> {
    const { id, lastSeq, waiting, traceId } = job;
    const { store } = this.#options;
    const row = await this.#row(id);
    if (row === "damaged") attempt.isDamaged = true;
    else if (row === undefined || isTerminal(row.status)) return;
    const { head, last, end } = await tailOf(id, store.logs);
    // Another runtime has taken the job over and decides its end (J1).
    if (head > lastSeq + waiting) return;
    if (head > 0 && last === undefined) attempt.isDamaged = true;
    const known = row === "damaged" ? { id, traceId, lease: {}, cancel: undefined } : row;
    const written = end ?? endOf(job, known.cancel);
    // If it is fenced, another runtime has taken the job over meanwhile.
    await writeEnd(this.#options, known, written, { head, isDamaged: attempt.isDamaged });
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
