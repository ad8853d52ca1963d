import type { Clock, JobId, Timer } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import { AnnouncedChildren } from "./announced-children.ts";

/** The retry interval in milliseconds: `first` for so many `times` per job, then doubling up to `longest`. */
const PAUSE = { first: 2000, times: 30, longest: 60_000 };

/** Rejects as long as the store refuses, and is then called again. */
export type Work = (announced: AnnouncedChildren) => Promise<void>;

interface Postponed {
  readonly work: Work;
  /** The job whose work comes first. */
  readonly follows: JobId | undefined;
}

export interface PostponedWorkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<ReadableStore, "jobs" | "logs">;
}

/** What the store refused to do about a job for too long. It is tried again, with pauses, until the store accepts it. */
export class PostponedWork {
  readonly #options: PostponedWorkOptions;
  readonly #postponed = new Map<JobId, Postponed>();
  /** The number of consecutive failures. */
  #refused = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: PostponedWorkOptions) {
    this.#options = options;
  }

  /** @param follows a job whose own work, if it is postponed too, comes first */
  add(id: JobId, work: Work, follows?: JobId): void {
    this.#postponed.set(id, { work, follows });
    this.#arm();
  }

  /** Stops; the next process does the rest. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.#postponed.size === 0) return;
    const rounds = Math.floor(this.#refused / this.#postponed.size);
    const longer = Math.max(0, rounds - PAUSE.times);
    const pause = Math.min(PAUSE.first * 2 ** longer, PAUSE.longest);
    this.#timer = this.#options.clock.after(pause, () => void this.#retry());
  }

  /** Never rejects. */
  async #retry(): Promise<void> {
    const { logger, store } = this.#options;
    const announced = new AnnouncedChildren(store);
    for (const [id, postponed] of [...this.#postponed]) {
      const { work, follows } = postponed;
      if (follows !== undefined && this.#postponed.has(follows)) continue;
      try {
        await work(announced);
        this.#postponed.delete(id);
        this.#refused = 0;
      } catch (error) {
        if (isClosed(error)) this.close();
        logger.debug({ job: id, err: error }, "the store still refuses what a job needs");
        // The others would probably fail too, so only one is tried per pause, each in turn.
        this.#postponed.delete(id);
        this.#postponed.set(id, postponed);
        this.#refused += 1;
        break;
      }
      if (this.#closed) return;
    }
    this.#timer = undefined;
    this.#arm();
  }
}
