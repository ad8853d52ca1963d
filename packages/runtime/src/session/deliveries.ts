import type { Clock, JobId } from "@arcp/core";

/**
 * When the session was last sent something of each job, for clients that send no acks: whatever was sent less than a resume window
 * ago may not have arrived (R-14-3).
 */
export class Deliveries {
  readonly #clock: Clock;
  readonly #window: number;
  /** Milliseconds on the monotonic clock. */
  #last: Map<JobId, number> | undefined;
  /** Jobs with something in flight. Like the map, allocated on first use: there are many sessions that only wait. */
  #underWay: Set<JobId> | undefined;

  /** @param window the resume window, in milliseconds */
  constructor(clock: Clock, window: number) {
    this.#clock = clock;
    this.#window = window;
  }

  /** Something of the job is being handed to the connection, which may take a while. */
  begin(job: JobId): void {
    this.#underWay ??= new Set();
    this.#underWay.add(job);
  }

  /** The connection has taken it, or broken. */
  end(job: JobId): void {
    if (this.#underWay?.delete(job)) this.#note(job);
  }

  /** Restores jobs that were sent something at an unknown time, which counts as now. */
  restore(jobs: Iterable<JobId>): void {
    for (const job of jobs) this.#note(job);
  }

  /** Whether something of the job was sent within the last window. */
  isRecent(job: JobId): boolean {
    if (this.#underWay?.has(job)) return true;
    const last = this.#last?.get(job);
    return last !== undefined && this.#clock.monotonic() - last < this.#window;
  }

  /** The job is gone. */
  forget(job: JobId): void {
    this.#underWay?.delete(job);
    this.#last?.delete(job);
  }

  #note(job: JobId): void {
    this.#last ??= new Map();
    this.#last.set(job, this.#clock.monotonic());
  }
}
