import type { Clock, JobId, SessionId, Timer } from "@arcp/core";

/** A job that has ended. */
export interface EndedJob {
  readonly id: JobId;
  /** The session that owns it. */
  readonly session: SessionId;
  /** Milliseconds since 1970 before which it is not removed. */
  readonly keepUntil?: number | undefined;
}

/** Keeps finished jobs for the retention time, in the order of their ends, with one timer for all. */
export class Retention {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #held: (job: EndedJob) => boolean;
  readonly #remove: (job: EndedJob) => void;
  readonly #kept: Array<{ readonly job: EndedJob; readonly due: number }> = [];
  #timer: Timer | undefined;
  #closed = false;

  /**
   * @param held whether somebody still reads the job: then it is kept for as long again (R-14-3)
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
   * @param age milliseconds since it ended; jobs are handed over in the order of their ends
   */
  keep({ id, session, keepUntil }: EndedJob, age = 0): void {
    const due = this.#clock.monotonic() + Math.max(0, this.#ms - age);
    this.#kept.push({ job: { id, session, keepUntil }, due });
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #isEarly({ keepUntil }: EndedJob): boolean {
    return keepUntil !== undefined && this.#clock.now() < keepUntil;
  }

  #arm(): void {
    const [first] = this.#kept;
    if (first === undefined || this.#timer !== undefined || this.#closed) return;
    this.#timer = this.#clock.after(first.due - this.#clock.monotonic(), () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    const kept = this.#kept.findIndex(({ due }) => due > now);
    for (const { job } of this.#kept.splice(0, kept === -1 ? this.#kept.length : kept)) {
      if (this.#held(job) || this.#isEarly(job)) this.keep(job);
      else this.#remove(job);
    }
    this.#arm();
  }
}
