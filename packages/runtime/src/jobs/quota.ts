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
  /** Of their inputs, as JSON. */
  readonly characters: number;
}

const NOTHING: Share = { jobs: 0, characters: 0 };

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
   * @param characters of its input, as JSON
   * @returns gives both back; or the refusal of one job too many, or too large beside the others
   */
  reserve(principal: string, characters: number): (() => void) | ArcpError {
    const taken = this.#shares.get(principal) ?? NOTHING;
    const { limits, isFull } = this.#options;
    const most = limits.liveInputCharactersPerPrincipal;
    if (characters > most) {
      const problem = `the input has ${characters} characters of JSON, and may have ${most}`;
      const details = { reason: "live_input_characters_per_principal" };
      return new ArcpError("INVALID_REQUEST", problem, { details });
    }
    if (taken.jobs >= limits.liveJobsPerPrincipal) {
      return shortage("live_jobs_per_principal", "too many jobs of this principal are running");
    }
    if (taken.characters + characters > most) {
      return shortage(
        "live_input_characters_per_principal",
        `with ${characters} characters of JSON more the inputs of this principal's running jobs would have more than ${most}`,
      );
    }
    if (isFull(principal)) {
      return shortage(
        "finished_jobs_per_principal",
        "too many finished jobs of this principal have to be kept: keys hold them, or sessions that have still to read them",
      );
    }
    return this.take(principal, characters);
  }

  /** As {@link reserve}, even if there is no room left, for a job that was accepted before. @returns gives it back */
  take(principal: string, characters: number): () => void {
    this.#change(principal, 1, characters);
    return () => {
      this.#change(principal, -1, -characters);
      if (this.#shares.size > 0) return;
      for (const emptied of this.#onEmpty.splice(0)) emptied();
    };
  }

  /** Resolves once nothing is taken: no job runs, and none is being accepted. */
  emptied(): Promise<void> {
    if (this.#shares.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #change(principal: string, jobs: number, characters: number): void {
    const taken = this.#shares.get(principal) ?? NOTHING;
    const next = { jobs: taken.jobs + jobs, characters: taken.characters + characters };
    if (next.jobs > 0) this.#shares.set(principal, next);
    else this.#shares.delete(principal);
  }
}

/** What there is room for again once others are over. */
function shortage(reason: string, problem: string): ArcpError {
  return new ArcpError("INTERNAL_ERROR", problem, { retryable: true, details: { reason } });
}
