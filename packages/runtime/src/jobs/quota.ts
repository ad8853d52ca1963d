import { ArcpError } from "@arcp/core";
import type { EffectiveLimits } from "../limits.ts";

export interface QuotaOptions {
  readonly limits: Pick<
    EffectiveLimits,
    "liveJobsPerPrincipal" | "liveInputCharactersPerPrincipal"
  >;
  /** Whether a principal has too many finished jobs that cannot be removed. */
  readonly isFull: (principal: string) => boolean;
}

/** What the running jobs of one principal use. */
interface Share {
  readonly jobs: number;
  /** The weight of their inputs, in characters: see `jsonWeight`. */
  readonly weight: number;
}

const NOTHING: Share = { jobs: 0, weight: 0 };

const COUNTING = "those of the JSON, plus 64 for each object, array and key";

/** Limits what each principal may have running at a time (R-7.1-5). */
export class Quota {
  readonly #options: QuotaOptions;
  /** Usage by principal. */
  readonly #shares = new Map<string, Share>();
  #onEmpty: Array<() => void> = [];

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /**
   * Reserves a slot for a job and space for its input, unless too many finished jobs of the principal have to be kept.
   * @param weight of its input, in characters: see `jsonWeight`
   * @returns a function that releases both; or the refusal of a job that is one too many, or too large beside the others
   */
  reserve(principal: string, weight: number): (() => void) | ArcpError {
    const taken = this.#shares.get(principal) ?? NOTHING;
    const { limits, isFull } = this.#options;
    const most = limits.liveInputCharactersPerPrincipal;
    if (weight > most) {
      const problem = `the input counts ${weight} characters, and may count at most ${most}: ${COUNTING}`;
      const details = { reason: "live_input_characters_per_principal" };
      return new ArcpError("INVALID_REQUEST", problem, { details });
    }
    if (taken.jobs >= limits.liveJobsPerPrincipal) {
      return shortage("live_jobs_per_principal", "too many jobs of this principal are running");
    }
    if (taken.weight + weight > most) {
      return shortage(
        "live_input_characters_per_principal",
        `${weight} more characters would take the inputs of this principal's running jobs above ${most}: ${COUNTING}`,
      );
    }
    if (isFull(principal)) {
      return shortage(
        "finished_jobs_per_principal",
        "too many finished jobs of this principal have to be kept, for idempotency keys or for sessions that have yet to read them",
      );
    }
    return this.take(principal, weight);
  }

  /**
   * Like {@link reserve}, but regardless of the limits, for a job that was accepted before. @returns a function that releases it
   */
  take(principal: string, weight: number): () => void {
    this.#change(principal, 1, weight);
    return () => {
      this.#change(principal, -1, -weight);
      if (this.#shares.size > 0) return;
      for (const emptied of this.#onEmpty.splice(0)) emptied();
    };
  }

  /** Resolves once nothing is in use: no job runs, and none is being accepted. */
  emptied(): Promise<void> {
    if (this.#shares.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #change(principal: string, jobs: number, weight: number): void {
    const taken = this.#shares.get(principal) ?? NOTHING;
    const next = { jobs: taken.jobs + jobs, weight: taken.weight + weight };
    if (next.jobs > 0) this.#shares.set(principal, next);
    else this.#shares.delete(principal);
  }
}

/** The refusal of a job that there may be room for later. */
function shortage(reason: string, problem: string): ArcpError {
  return new ArcpError("INTERNAL_ERROR", problem, { retryable: true, details: { reason } });
}
