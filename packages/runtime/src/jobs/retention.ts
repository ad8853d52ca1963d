import type { Clock, JobId, SessionId, Timer } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import { DueQueue } from "./due-queue.ts";

/** Milliseconds until a job that somebody still reads, or that could not be removed, is looked at again. */
const RECHECK = 10_000;

/** Jobs that are looked at in one go: when many are due at once, others have their turn in between. */
const AT_ONCE = 64;

/** A job that has ended. */
export interface EndedJob {
  readonly id: JobId;
  /** The session that owns it; undefined where that cannot be read. */
  readonly session: SessionId | undefined;
  /** Milliseconds since 1970 before which it is not removed. */
  readonly keepUntil?: number | undefined;
  readonly lineage: Lineage;
}

/** Keeps finished jobs for the retention time, with one timer for all. */
export class Retention {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #held: (job: EndedJob) => boolean;
  readonly #remove: (job: EndedJob) => void;
  readonly #kept = new DueQueue<EndedJob>();
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #closed = false;

  /**
   * @param held whether somebody still reads the job: then it is kept until nobody does (R-14-3)
   * @param remove called when a job's time is up; must not throw
   */
  constructor(
    clock: Clock,
    ms: number,
    held: (job: EndedJob) => boolean,
    remove: (job: EndedJob) => void,
  ) {
    this.#clock = clock;
    this.#ms = ms;
    this.#held = held;
    this.#remove = remove;
  }

  /**
   * The job has ended: from now on its time runs.
   * @param age milliseconds since it ended
   */
  keep({ id, session, keepUntil, lineage }: EndedJob, age = 0): void {
    const pause = Math.max(0, this.#ms - age, (keepUntil ?? 0) - this.#clock.now());
    this.#put({ id, session, keepUntil, lineage }, pause);
    this.#arm();
  }

  /** The job could not be removed: its time is up again a little later. */
  retry(job: EndedJob): void {
    this.#put(job, RECHECK);
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #put(job: EndedJob, pause: number): void {
    this.#kept.add(this.#clock.monotonic() + pause, job);
  }

  #arm(): void {
    const { next } = this.#kept;
    if (next === undefined || next >= this.#armedFor || this.#closed) return;
    this.#timer?.cancel();
    this.#armedFor = next;
    this.#timer = this.#clock.after(next - this.#clock.monotonic(), () => this.#sweep());
  }

  #sweep(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    for (const job of this.#kept.take(this.#clock.monotonic(), AT_ONCE)) {
      // The calendar may have been set back meanwhile.
      const early = (job.keepUntil ?? 0) - this.#clock.now();
      if (early > 0) this.#put(job, early);
      else if (this.#held(job)) this.#put(job, Math.min(this.#ms, RECHECK));
      else this.#remove(job);
    }
    this.#arm();
  }
}
