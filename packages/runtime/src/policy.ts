import { type Lease, LocalError, type OptionRules, rule } from "@arcp/core";
import type { Profile } from "./dialect/profile.ts";
import { checkParts } from "./parts.ts";

/** What a policy is told of a job. */
export interface ObservedJob {
  readonly id: string;
  /** Who submitted it. */
  readonly principal: string;
  readonly agent: string;
}

/**
 * What an operator decides, at once: a function that gives a promise has decided nothing, and fails. Each part may be left out, and has a safe default then.
 * A policy may have fields of its own. Functions of its own are for an instance of a class: in a plain object one is taken for a misspelt
 * part, and refused.
 */
export interface Policy {
  /** Who may watch a job, and finds it in listings, besides the principal that submitted it (R-7.6-1, R-6.6-1). Default: nobody. */
  readonly mayObserve?: ((principal: string, job: ObservedJob) => boolean) | undefined;
  /** Which agents a principal may submit to, also by the delegation of a job of its own, and sees in its welcome (R-7.5-2). Default: all. */
  readonly maySubmit?: ((principal: string, agent: string) => boolean) | undefined;
  /**
   * Cuts a requested lease down: drops or narrows patterns, lowers or adds budgets. A job whose lease it widens is refused
   * (R-7.1-3). Asked for every submit of a client, also for one that names a parent; not for what an agent delegates,
   * which its own lease bounds. Default: grants it as requested.
   * @param agent the resolved reference
   */
  readonly grant?: ((principal: string, requested: Lease, agent: string) => Lease) | undefined;
  /**
   * Which models a job may call whose lease does not name `model.use`: none, or every one of the runtime's `models`
   * (R-9.7-2). Default: none.
   */
  readonly modelsWithoutLease?: "none" | "registered" | undefined;
  /**
   * In which forms the clients of a principal are answered, where their opening message does not tell (R-D-2). Default:
   * undefined, it tells.
   */
  readonly dialect?: ((principal: string) => Profile | undefined) | undefined;
}

/** A policy in which every part is decided. */
export type EffectivePolicy = {
  readonly [Part in keyof Policy]-?: NonNullable<Policy[Part]>;
};

export const defaultPolicy: EffectivePolicy = {
  mayObserve: () => false,
  maySubmit: () => true,
  grant: (_principal, requested) => requested,
  modelsWithoutLease: "none",
  dialect: () => undefined,
};

const MODELS: readonly unknown[] = [
  "none",
  "registered",
] satisfies EffectivePolicy["modelsWithoutLease"][];

const RULES: OptionRules<Policy> = {
  mayObserve: rule.method,
  maySubmit: rule.method,
  grant: rule.method,
  modelsWithoutLease: rule.some('"none" or "registered"', (value) => MODELS.includes(value)),
  dialect: rule.method,
};

/**
 * What an operator chose, by an object or an instance of a class of his own; what is absent or undefined has its default.
 * @throws LocalError `MISUSE` for a part that is none or of another kind: it would decide nothing
 */
export function policyOf(chosen: Policy = {}): EffectivePolicy {
  checkParts("policy", chosen, RULES);
  const deciding = <Asked extends unknown[], Answer>(
    part: keyof Policy,
    decide: ((...asked: Asked) => Answer) | undefined,
  ) => decide && ((...asked: Asked) => atOnce(part, decide.apply(chosen, asked)));
  return {
    mayObserve: deciding("mayObserve", chosen.mayObserve) ?? defaultPolicy.mayObserve,
    maySubmit: deciding("maySubmit", chosen.maySubmit) ?? defaultPolicy.maySubmit,
    grant: deciding("grant", chosen.grant) ?? defaultPolicy.grant,
    modelsWithoutLease: chosen.modelsWithoutLease ?? defaultPolicy.modelsWithoutLease,
    dialect: deciding("dialect", chosen.dialect) ?? defaultPolicy.dialect,
  };
}

/**
 * What a part of the policy has decided.
 * @throws LocalError `MISUSE` for a promise: it would pass for a yes, or for a lease without a budget
 */
function atOnce<Answer>(part: keyof Policy, answer: Answer): Answer {
  if (!isThenable(answer)) return answer;
  // Nobody waits for what comes of it: should it fail, that must not end the process.
  Promise.resolve(answer).catch(() => {});
  throw new LocalError(
    "MISUSE",
    `policy.${part} must decide synchronously, but returned a promise`,
  );
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
