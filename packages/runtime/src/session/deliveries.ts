import type { Clock, JobId } from "@arcp/core";

/**
 * When a session whose client sends no acks was last sent something of each job: what left less than a resume window
 * ago may not have arrived (R-14-3).
 */
export class Deliveries {
  readonly #clock: Clock;
  readonly #window: number;
  /** In ms of the monotonic clock; infinite while something is on its way. */
  readonly #last = new Map<JobId, number>();

  /** @param window in ms, that of a resume */
  constructor(clock: Clock, window: number) {
    this.#clock = clock;
    this.#window = window;
  }

  /** Something of the job is handed to the connection, which may take its time. */
  begin(job: JobId): void {
    this.#last.set(job, Number.POSITIVE_INFINITY);
  }

  /** The connection took it, or broke. */
  end(job: JobId): void {
    if (this.#last.has(job)) this.#last.set(job, this.#clock.monotonic());
  }

  /** Goes on from what was sent at unknown times: they count as now. */
  restore(jobs: Iterable<JobId>): void {
    for (const job of jobs) this.#last.set(job, this.#clock.monotonic());
  }

  /** Whether something of the job was sent less than a window ago. */
  isRecent(job: JobId): boolean {
    const last = this.#last.get(job);
    return last !== undefined && this.#clock.monotonic() - last < this.#window;
  }

  /** The job is gone. */
  forget(job: JobId): void {
    this.#last.delete(job);
  }
}
