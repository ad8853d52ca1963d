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

interface Late {
  readonly job: Job;
  /** The number of attempts since the job is known to be damaged. */
  readonly tries: number;
}

/** The number of attempts for a damaged job, after which the store is taken to refuse this job for good. */
const TRIES = 10;

/**
 * Writes the ends of jobs that are over although their log does not say so, because the store refused it for too long. Once the
 * store recovers, they end as the next process would end them, because their followers wait for that (R-7.3-10, J3). Delegated jobs
 * that their parent's log does not announce are forgotten, as the next process would do too (R-10-2).
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
    this.#late.set(job.id, { job, tries: 0 });
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
    this.#timer = this.#options.clock.after(pause, () => void this.#write());
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const { logger, store, ended, forgotten } = this.#options;
    const announced = new AnnouncedChildren(store);
    for (const [id, { job, tries }] of [...this.#late]) {
      const { isInDoubt } = job.family;
      // Wait until the parent has ended: only then it is certain that no announcement will follow.
      if (isInDoubt && job.parent !== undefined && this.#late.has(job.parent)) continue;
      const attempt = { isDamaged: false };
      try {
        // Unannounced, the child never existed.
        const isForgotten = isInDoubt && (await announced.lack(job));
        if (isForgotten) await forgetJob(this.#options, job);
        else await this.#end(job, attempt);
        this.#late.delete(id);
        this.#refused = 0;
        if (isForgotten) {
          forgotten(job);
        } else {
          logger.warn({ job: id }, "a job that lost its log has its end stored");
          ended(job);
        }
      } catch (error) {
        if (isClosed(error)) this.close();
        logger.debug({ job: id, err: error }, "the end of a job cannot be stored yet");
        // The other jobs would probably fail too, so only one is tried per pause, each in turn.
        this.#late.delete(id);
        if (attempt.isDamaged && tries + 1 >= TRIES) this.#giveUp(id, error);
        else this.#late.set(id, { job, tries: attempt.isDamaged ? tries + 1 : 0 });
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

  /** @param attempt its flag is set if the store's data of the job is damaged */
  async #end(job: Job, attempt: { isDamaged: boolean }): Promise<void> {
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
