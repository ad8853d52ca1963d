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

interface Late {
  readonly job: Job;
  /** How often it was tried since the job is known to be damaged. */
  readonly tries: number;
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
  readonly #late = new Map<JobId, Late>();
  /** How often in a row the store took nothing. */
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

  /** What is left is the next process's. */
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
      // Nothing comes behind that one's end that could tell of this one.
      if (isInDoubt && job.parent !== undefined && this.#late.has(job.parent)) continue;
      const attempt = { isDamaged: false };
      try {
        // It never was, then.
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
        // Nor can those of the others, as a rule: one at a time asks, and each has its turn.
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
