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

  /** @throws what the first of them threw, behind all of them */
  ring(jobs: Iterable<JobId>): void {
    callAll(this.#of(jobs));
  }

  *#of(jobs: Iterable<JobId>): Generator<() => void> {
    for (const job of jobs) yield* this.#rings.get(job) ?? [];
  }
}

/**
 * Calls each, whatever another one does: who is not called would wait for ever.
 * @throws what the first of them threw, behind all of them
 */
export function callAll(calls: Iterable<() => void>): void {
  let fault: { readonly error: unknown } | undefined;
  for (const call of calls) {
    try {
      call();
    } catch (error) {
      fault ??= { error };
    }
  }
  if (fault !== undefined) throw fault.error;
}
