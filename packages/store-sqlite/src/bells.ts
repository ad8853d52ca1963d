import type { JobId } from "@arcp/core";

/** Who wants to hear of records of a job. */
export class Bells {
  readonly #rings = new Map<JobId, Set<() => void>>();

  /** @returns takes the bell down */
  hang(job: JobId, ring: () => void): () => void {
    // A function may be given twice, and each is a bell of its own.
    const bell = (): void => ring();
    const rings = this.#rings.get(job) ?? new Set();
    this.#rings.set(job, rings.add(bell));
    return () => {
      rings.delete(bell);
      if (rings.size === 0 && this.#rings.get(job) === rings) this.#rings.delete(job);
    };
  }

  ring(job: JobId): void {
    for (const ring of this.#rings.get(job) ?? []) ring();
  }
}
