import { ArcpError, type Capability, type Clock, formatTimestamp } from "@arcp/core";
import type { Budget } from "./budget.ts";
import { clip } from "./clip.ts";
import type { CompiledLease } from "./lease.ts";

export interface GuardOptions {
  readonly lease: CompiledLease;
  readonly budget: Budget;
  readonly clock: Clock;
  /** Wall clock, milliseconds since 1970; undefined when the lease does not expire. */
  readonly expiresAt?: number | undefined;
  /** Whether the job may still act: neither ended nor asked to stop. */
  readonly isActive: () => boolean;
}

/** What stands between a job and everything it can reach. One per job, made when the job is accepted. */
export class Guard {
  readonly #options: GuardOptions;
  /** The monotonic time of the expiry, so that a wall clock that is set back gains nothing (R-9.5-5). */
  readonly #deadline: number;

  constructor(options: GuardOptions) {
    this.#options = options;
    const { clock, expiresAt = Number.POSITIVE_INFINITY } = options;
    this.#deadline = clock.monotonic() + (expiresAt - clock.now());
  }

  /**
   * Asked synchronously when an operation is wanted and again when it is dispatched (R-9.3-1).
   *
   * @returns why it may not be done, undefined when it may
   */
  check(capability: Capability, target: string): ArcpError | undefined {
    const { lease, budget, expiresAt, isActive } = this.#options;
    const operation = `${capability} on ${clip(target)}`;
    if (!isActive()) {
      return new ArcpError("CANCELLED", `${operation} is refused: the job is no longer active`);
    }
    if (expiresAt !== undefined && this.#isPast(expiresAt)) {
      const since = formatTimestamp(expiresAt);
      return new ArcpError(
        "LEASE_EXPIRED",
        `${operation} is refused: the lease expired at ${since}`,
      );
    }
    const spent = budget.exhausted();
    if (spent !== undefined) {
      const left = `${spent.remaining} ${spent.currency} remain and must be above zero`;
      return new ArcpError("BUDGET_EXHAUSTED", `${operation} is refused: ${left}`);
    }
    return lease.covers(capability, target) ? undefined : this.denied(capability, target);
  }

  /** The refusal of a target that the lease does not cover (R-9.3-2). */
  denied(capability: Capability, target: string): ArcpError {
    const patterns = this.#options.lease.patterns(capability).map(({ text }) => text);
    const granted = patterns.length === 0 ? "nothing" : clip(patterns.join(", "));
    const message = `${capability} does not cover ${clip(target)}; the lease grants ${granted}`;
    return new ArcpError("PERMISSION_DENIED", message);
  }

  #isPast(expiresAt: number): boolean {
    const { clock } = this.#options;
    return clock.now() >= expiresAt || clock.monotonic() >= this.#deadline;
  }
}
