import type { JobId } from "@arcp/core";
import { TransientMap } from "../transient-map.ts";

/** Who listens for records of a job: a store hangs a bell for each `listen`, and rings it once an append is durable. */
export class Bells {
  readonly #rings = new TransientMap<JobId, Set<() => void>>();

  /** @returns a function that takes the bell down */
  hang(job: JobId, ring: () => void): () => void {
    // Wrapped, because the same function may be passed twice and each is a bell of its own.
    const bell = (): void => ring();
    const rings = this.#rings.get(job) ?? new Set();
    this.#rings.set(job, rings.add(bell));
    return () => {
      rings.delete(bell);
      if (rings.size === 0 && this.#rings.get(job) === rings) this.#rings.delete(job);
    };
  }

  /**
   * Rings the bells of each job, even if some of them throw: a listener that is not rung would wait for ever.
   * @param appended the appends that brought the records
   * @throws the first error of a bell, after all have rung
   */
  ring(appended: Iterable<{ readonly job: JobId }>): void {
    let fault: { readonly error: unknown } | undefined;
    for (const { job } of appended) {
      const rings = this.#rings.get(job);
      // Rings only the bells present now: one that re-adds itself as it rings would otherwise ring for ever.
      let left = rings?.size ?? 0;
      for (const bell of rings ?? []) {
        if (left === 0) break;
        left -= 1;
        try {
          bell();
        } catch (error) {
          fault ??= { error };
        }
      }
    }
    if (fault !== undefined) throw fault.error;
  }
}
