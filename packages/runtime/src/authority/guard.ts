import { ArcpError, type Capability } from "@arcp/core";
import type { Budget } from "./budget.ts";
import { clip } from "./clip.ts";
import type { Expiry } from "./expiry.ts";
import type { CompiledLease } from "./lease.ts";
import { mayCallModel } from "./model-use.ts";

export interface GuardOptions {
  readonly lease: CompiledLease;
  readonly budget: Budget;
  /** Undefined when the lease does not expire. */
  readonly expiry?: Expiry | undefined;
  /** The models that a lease without `model.use` allows. Default: none (R-9.7-2). */
  readonly openModels?: ReadonlySet<string>;
  /** Whether the job may still act: neither ended nor asked to stop. */
  readonly isActive: () => boolean;
  /** Told of every operation that came too late. */
  readonly onExpired?: () => void;
  /** Told of every operation that a used-up budget refuses. */
  readonly onExhausted?: (refusal: ArcpError) => void;
}

const NO_MODELS: ReadonlySet<string> = new Set();

/** What stands between a job and everything it can reach. One per job. */
export class Guard {
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Why the job may do nothing at all at this moment, undefined when it may. @param operation for humans */
  standing(operation: string): ArcpError | undefined {
    const { budget, expiry, isActive } = this.#options;
    if (!isActive()) {
      return new ArcpError("CANCELLED", `${operation} is refused: the job is no longer active`);
    }
    if (expiry?.passed) {
      this.#options.onExpired?.();
      const message = `${operation} is refused: the lease expired at ${expiry}`;
      return new ArcpError("LEASE_EXPIRED", message);
    }
    const spent = budget.exhausted();
    if (spent === undefined) return undefined;
    const left = `${spent.remaining} ${spent.currency} remain and must be above zero`;
    const refusal = new ArcpError("BUDGET_EXHAUSTED", `${operation} is refused: ${left}`);
    this.#options.onExhausted?.(refusal);
    return refusal;
  }

  /**
   * Asked synchronously when an operation is wanted and again when it is dispatched (R-9.3-1).
   *
   * @returns why it may not be done, undefined when it may
   */
  check(capability: Capability, target: string): ArcpError | undefined {
    // Agents hand on what clients send: what reads like a text in one place may be another in the next.
    if (typeof target !== "string") {
      return new ArcpError("INVALID_REQUEST", `${capability} needs a string that names its target`);
    }
    const refusal = this.standing(`${capability} on ${clip(target)}`);
    if (refusal !== undefined) return refusal;
    return this.#covers(capability, target) ? undefined : this.denied(capability, target);
  }

  /** The refusal of a target that the lease does not cover (R-9.3-2). */
  denied(capability: Capability, target: string): ArcpError {
    const { json } = this.#options.lease;
    // The name is the agent's: what every object has is no namespace.
    const patterns = (Object.hasOwn(json, capability) && json[capability]) || [];
    const granted = patterns.length === 0 ? "nothing" : clip(patterns.join(", "));
    const message = `${capability} does not cover ${clip(target)}; the lease grants ${granted}`;
    return new ArcpError("PERMISSION_DENIED", message);
  }

  #covers(capability: Capability, target: string): boolean {
    const { lease, openModels = NO_MODELS } = this.#options;
    if (capability === "model.use") return mayCallModel(lease, openModels, target);
    return lease.covers(capability, target);
  }
}
