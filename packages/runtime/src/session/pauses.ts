import type { JobId } from "@arcp/core";

/** The jobs of which a session reads nothing for the moment, whoever comes to follow them. */
export class Pauses {
  /** By how many ask for it; made with the first. */
  #asking: Map<JobId, number> | undefined;

  has(job: JobId): boolean {
    return this.#asking?.has(job) ?? false;
  }

  /** Holds until `end` was called as often as this. */
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
