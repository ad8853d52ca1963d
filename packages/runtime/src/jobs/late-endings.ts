import { type ArcpError, type Clock, isTerminal, type JobId, type Timer } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import { DamagedRow } from "../store/damage.ts";
import type { JobRow } from "../store/index.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import { AnnouncedChildren } from "./announced-children.ts";
import { cancelled, type Ending, jobDamaged, lost, parentEnded } from "./ending.ts";
import type { Job } from "./job.ts";
import { tailOf } from "./log-tail.ts";
import { forgetJob } from "./removal.ts";
import { writeEnd } from "./written-end.ts";

/** Milliseconds until the store is asked again to take what it did not; after so many times in vain it is asked less and less often. */
const PAUSE = { first: 2000, times: 30, longest: 60_000 };

export interface LateEndingsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<ReadableStore, "jobs" | "logs" | "idempotency">;
  /** Told of a job whose end is durable at last. */
  readonly ended: (job: Job) => void;
  /** Told of a child that never was: nothing tells of it, and nothing of it is kept any more. */
  readonly forgotten: (job: Job) => void;
  /** Told of a job that is damaged, and will never have an end. */
  readonly damaged: (job: JobId, error: ArcpError) => void;
}

/** How often it is asked for a damaged job: what the store has for others by then it never has for this one. */
const TRIES = 10;

/**
 * Jobs that are over and whose log does not say so, since the store would not take it for too long. As soon as it does they
 * end as the next process would end them: whoever follows them waits for that word (R-7.3-10, J3). And as it would, they are
 * forgotten if they were delegated and their parent's log does not tell of them (R-10-2).
 */
export class LateEndings {
  readonly #options: LateEndingsOptions;
  /** Each with how often it was tried since it is known to be damaged. */
  readonly #jobs = new Map<Job, number>();
  /** How often in a row the store took nothing. */
  #refused = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: LateEndingsOptions) {
    this.#options = options;
  }

  add(job: Job): void {
    this.#jobs.set(job, 0);
    this.#arm();
  }

  /** What is left is the next process's. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.#jobs.size === 0) return;
    const longer = Math.max(0, this.#refused - PAUSE.times);
    const pause = Math.min(PAUSE.first * 2 ** longer, PAUSE.longest);
    this.#timer = this.#options.clock.after(pause, () => void this.#write());
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const { logger, ended, forgotten } = this.#options;
    for (const [job, tries] of [...this.#jobs]) {
      // Nothing comes behind that one's end that could tell of this one.
      if (job.family.isInDoubt && [...this.#jobs.keys()].some(({ id }) => id === job.parent))
        continue;
      const attempt = { isDamaged: false };
      try {
        const isForgotten = await this.#forget(job);
        if (!isForgotten) await this.#end(job, attempt);
        this.#jobs.delete(job);
        this.#refused = 0;
        if (isForgotten) {
          forgotten(job);
        } else {
          logger.warn({ job: job.id }, "a job that lost its log has its end stored");
          ended(job);
        }
      } catch (error) {
        if (isClosed(error)) this.close();
        logger.debug({ job: job.id, err: error }, "the end of a job cannot be stored yet");
        // Nor can those of the others, as a rule: one at a time asks, and each has its turn.
        this.#jobs.delete(job);
        if (attempt.isDamaged && tries + 1 >= TRIES) this.#giveUp(job, error);
        else this.#jobs.set(job, attempt.isDamaged ? tries + 1 : 0);
        this.#refused += 1;
        break;
      }
      if (this.#closed) return;
    }
    this.#timer = undefined;
    this.#arm();
  }

  #giveUp({ id }: Job, error: unknown): void {
    const { logger, damaged } = this.#options;
    logger.error({ job: id, err: error }, "a damaged job has no end: the store takes none");
    damaged(id, jobDamaged(id, error));
  }

  /** @returns whether it never was */
  async #forget(job: Job): Promise<boolean> {
    if (!job.family.isInDoubt) return false;
    if (!(await new AnnouncedChildren(this.#options.store).lack(job))) return false;
    await forgetJob(this.#options, job);
    return true;
  }

  /** @param attempt is told when what the store has of the job turns out to be damaged */
  async #end(job: Job, attempt: { isDamaged: boolean }): Promise<void> {
    const { id, lastSeq, waiting, traceId } = job;
    const { store } = this.#options;
    const row = await this.#row(id);
    if (row === "damaged") attempt.isDamaged = true;
    else if (row === undefined || isTerminal(row.status)) return;
    const { head, last, end } = await tailOf(id, store.logs);
    // It is somebody else's by now, and ends as they say (J1).
    if (head > lastSeq + waiting) return;
    if (head > 0 && last === undefined) attempt.isDamaged = true;
    const known = row === "damaged" ? { id, traceId, lease: {}, cancel: undefined } : row;
    const written = end ?? endOf(job, known.cancel?.reason);
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

/** As it is said to have ended since it was lost. */
function endOf({ status, family }: Job, reason: string | undefined): Ending {
  if (status === "cancelled") return cancelled(reason);
  return family.isInDoubt ? parentEnded() : lost();
}
