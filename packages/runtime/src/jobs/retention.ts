import type { Clock, Timer } from "@arcp/core";
import type { Job } from "./job.ts";

/** Keeps finished jobs for the retention time, in the order of their ends, with one timer for all. */
export class Retention {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #held: (job: Job) => boolean;
  readonly #remove: (job: Job) => void;
  readonly #kept: Array<{ readonly job: Job; readonly due: number }> = [];
  #timer: Timer | undefined;
  #closed = false;

  /**
   * @param held whether somebody still reads the job: then it is kept for as long again (R-14-3)
   * @param remove called when a job's time is up; must not throw
   */
  constructor(clock: Clock, ms: number, held: (job: Job) => boolean, remove: (job: Job) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#held = held;
    this.#remove = remove;
  }

  /** The job has ended: from now on its time runs. */
  keep(job: Job): void {
    this.#kept.push({ job, due: this.#clock.monotonic() + this.#ms });
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
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
      if (this.#held(job)) this.keep(job);
      else this.#remove(job);
    }
    this.#arm();
  }
}
