import type { JobId } from "@arcp/core";

/** Jobs that a session temporarily does not read, no matter which attachment follows them. */
export class Pauses {
  /** The number of pauses per job; allocated with the first. */
  #asking: Map<JobId, number> | undefined;

  has(job: JobId): boolean {
    return this.#asking?.has(job) ?? false;
  }

  /** Pauses the job until `end` has been called as often as `begin`. */
  begin(job: JobId): void {
    this.#asking ??= new Map();
    this.#asking.set(job, (this.#asking.get(job) ?? 0) + 1);
  }

  /** @returns whether the job may be read again */
  end(job: JobId): boolean {
    const left = (this.#asking?.get(job) ?? 1) - 1;
    if (left > 0) this.#asking?.set(job, left);
    else this.#asking?.delete(job);
    return left === 0;
  }
}
