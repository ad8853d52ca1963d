import { ArcpError } from "@arcp/core";
import type { EffectiveLimits } from "../limits.ts";

export interface QuotaOptions {
  readonly limits: Pick<
    EffectiveLimits,
    "liveJobsPerPrincipal" | "liveInputCharactersPerPrincipal"
  >;
  /** Whether a principal has too many finished jobs that cannot leave. */
  readonly isFull: (principal: string) => boolean;
}

/** What the running jobs of one principal take. */
interface Share {
  readonly jobs: number;
  /** Of their inputs, in characters: see `jsonWeight`. */
  readonly weight: number;
}

const NOTHING: Share = { jobs: 0, weight: 0 };

const COUNTING = "those of the JSON, plus 64 for each object, array and key";

/** What each principal may have running at a time (R-7.1-5). */
export class Quota {
  readonly #options: QuotaOptions;
  /** What is taken, by principal. */
  readonly #shares = new Map<string, Share>();
  #onEmpty: Array<() => void> = [];

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /**
   * Takes a place for a job of this principal, and room for its input, if it may be kept when it is over.
   * @param weight of its input, in characters: see `jsonWeight`
   * @returns gives both back; or the refusal of one job too many, or too large beside the others
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

  /** As {@link reserve}, even if there is no room left, for a job that was accepted before. @returns gives it back */
  take(principal: string, weight: number): () => void {
    this.#change(principal, 1, weight);
    return () => {
      this.#change(principal, -1, -weight);
      if (this.#shares.size > 0) return;
      for (const emptied of this.#onEmpty.splice(0)) emptied();
    };
  }

  /** Resolves once nothing is taken: no job runs, and none is being accepted. */
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

/** What there is room for again once others are over. */
function shortage(reason: string, problem: string): ArcpError {
  return new ArcpError("INTERNAL_ERROR", problem, { retryable: true, details: { reason } });
}
