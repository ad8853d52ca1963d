import type { Clock, JobId } from "@arcp/core";

/**
 * When a session whose client sends no acks was last sent something of each job: what left less than a resume window
 * ago may not have arrived (R-14-3).
 */
export class Deliveries {
  readonly #clock: Clock;
  readonly #window: number;
  /** In ms of the monotonic clock. */
  #last: Map<JobId, number> | undefined;
  /** Jobs of which something is on its way; made with the first, like the other: sessions that only wait are many. */
  #underWay: Set<JobId> | undefined;

  /** @param window in ms, that of a resume */
  constructor(clock: Clock, window: number) {
    this.#clock = clock;
    this.#window = window;
  }

  /** Something of the job is handed to the connection, which may take its time. */
  begin(job: JobId): void {
    this.#underWay ??= new Set();
    this.#underWay.add(job);
  }

  /** The connection took it, or broke. */
  end(job: JobId): void {
    if (this.#underWay?.delete(job)) this.#note(job);
  }

  /** Goes on from what was sent at unknown times: they count as now. */
  restore(jobs: Iterable<JobId>): void {
    for (const job of jobs) this.#note(job);
  }

  /** Whether something of the job was sent less than a window ago. */
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
