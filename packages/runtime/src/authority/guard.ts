import { ArcpError, type Capability } from "@arcp/core";
import type { Budget } from "./budget.ts";
import { clip } from "./clip.ts";
import type { Expiry } from "./expiry.ts";
import type { CompiledLease } from "./lease.ts";
import { mayCallModel } from "./model-use.ts";

export interface GuardOptions {
  readonly lease: CompiledLease;
  readonly budget: Budget;
  /** Undefined if the lease does not expire. */
  readonly expiry?: Expiry | undefined;
  /** The models that a lease without `model.use` allows. Default: none (R-9.7-2). */
  readonly openModels?: ReadonlySet<string>;
  /** Whether the job may still act: neither ended nor asked to stop. */
  readonly isActive: () => boolean;
  /** Called for every operation after the expiry. */
  readonly onExpired?: () => void;
  /** Called for every operation that an exhausted budget refuses. */
  readonly onExhausted?: (refusal: ArcpError) => void;
}

const NO_MODELS: ReadonlySet<string> = new Set();

/** Checks everything that a job does. One per job. */
export class Guard {
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Why the job may not act at all now; undefined if it may. @param operation as text for people */
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
   * Checks an operation. Called synchronously when the operation is requested and again when it is dispatched (R-9.3-1).
   *
   * @returns the refusal; undefined if the operation is allowed
   */
  check(capability: Capability, target: string): ArcpError | undefined {
    // Agents pass on what clients send: an object that converts to one string now may convert to another later.
    if (typeof target !== "string") {
      return new ArcpError("INVALID_REQUEST", `${capability} needs a string that names its target`);
    }
    const refusal = this.standing(`${capability} on ${clip(target)}`);
    if (refusal !== undefined) return refusal;
    return this.#covers(capability, target) ? undefined : this.denied(capability, target);
  }

  /** Like {@link check}. @throws ArcpError the refusal */
  authorize(capability: Capability, target: string): void {
    const refusal = this.check(capability, target);
    if (refusal !== undefined) throw refusal;
  }

  /** The refusal of a target that the lease does not cover (R-9.3-2). */
  denied(capability: Capability, target: string): ArcpError {
    const { json } = this.#options.lease;
    // The capability is the agent's text: an inherited property such as `constructor` is not a namespace.
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
