import { type Clock, isTerminal, type Timer } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import type { Store } from "../store/index.ts";
import { cancelled, lost } from "./ending.ts";
import type { Job } from "./job.ts";
import { lastRecord, recordedEnd, writeEnd } from "./written-end.ts";

/** Milliseconds until the store is asked again to take what it did not. */
const PAUSE = 2000;

export interface LateEndingsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<Store, "jobs" | "logs">;
  /** Told of a job whose end is durable at last. */
  readonly ended: (job: Job) => void;
}

/**
 * Jobs that are over and whose log does not say so, since the store would not take it for too long. As soon as it does they
 * end as the next process would end them: whoever follows them waits for that word (R-7.3-10, J3).
 */
export class LateEndings {
  readonly #options: LateEndingsOptions;
  readonly #jobs = new Set<Job>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: LateEndingsOptions) {
    this.#options = options;
  }

  add(job: Job): void {
    this.#jobs.add(job);
    this.#arm();
  }

  /** What is left is the next process's. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.#jobs.size === 0) return;
    this.#timer = this.#options.clock.after(PAUSE, () => void this.#write());
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const { logger, ended } = this.#options;
    for (const job of [...this.#jobs]) {
      try {
        await this.#end(job);
        this.#jobs.delete(job);
        logger.warn({ job: job.id }, "the end of a job that lost its log is stored");
        ended(job);
      } catch (error) {
        if (isClosed(error)) this.close();
        logger.debug({ job: job.id, err: error }, "the end of a job cannot be stored yet");
        // Nor can those of the others, as a rule: one at a time asks, and each has its turn.
        this.#jobs.delete(job);
        this.#jobs.add(job);
        break;
      }
      if (this.#closed) return;
    }
    this.#timer = undefined;
    this.#arm();
  }

  async #end({ id, lastSeq, waiting, status }: Job): Promise<void> {
    const { clock, store } = this.#options;
    const row = await store.jobs.get(id);
    if (row === undefined || isTerminal(row.status)) return;
    const { head } = await store.logs.read(id, 0, { records: 0, characters: 0 });
    // It is somebody else's by now, and ends as they say (J1).
    if (head > lastSeq + waiting) return;
    const told = recordedEnd(await lastRecord(id, head, store.logs));
    // As it is said to have ended since it was lost.
    const end = told ?? (status === "cancelled" ? cancelled(row.cancel?.reason) : lost());
    await writeEnd(store, row, head, end, clock.now());
  }
}
