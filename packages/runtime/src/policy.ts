import { isObject, type Lease, LocalError, type OptionRules, rule } from "@arcp/core";
import type { Profile } from "./dialect/profile.ts";
import { checkParts } from "./parts.ts";

/** What a policy is told about a job. */
export interface ObservedJob {
  readonly id: string;
  /** The principal that submitted it. */
  readonly principal: string;
  readonly agent: string;
}

/**
 * The operator's decisions, made synchronously: a function that returns a promise has decided nothing, and fails. Each part is
 * optional and has a safe default. A policy may have fields of its own. If it needs functions of its own, make it an instance of a
 * class: in a plain object they are taken for misspelt parts and refused.
 */
export interface Policy {
  /** Who may watch a job and find it in listings, besides the principal that submitted it (R-7.6-1, R-6.6-1). Default: nobody. */
  readonly mayObserve?: ((principal: string, job: ObservedJob) => boolean) | undefined;
  /**
   * Which agents a principal may submit to, also through delegation by its jobs, and sees in its welcome (R-7.5-2). Default: all.
   */
  readonly maySubmit?: ((principal: string, agent: string) => boolean) | undefined;
  /**
   * Cuts down a requested lease: drops or narrows patterns, lowers or adds budgets. If it widens the lease, the job is refused
   * (R-7.1-3). Called for every submit of a client, even if it names a parent, but not when an agent delegates, because its own
   * lease limits that. Default: the lease is granted as requested.
   * @param agent the resolved reference
   */
  readonly grant?: ((principal: string, requested: Lease, agent: string) => Lease) | undefined;
  /**
   * Which models a job may call if its lease does not name `model.use`: none, or all of the runtime's `models` (R-9.7-2). Default:
   * none.
   */
  readonly modelsWithoutLease?: "none" | "registered" | undefined;
  /**
   * In which forms a principal's clients are answered, to be set if their opening message does not tell: it takes precedence over
   * that message (R-D-2). Default: undefined, the message decides.
   */
  readonly dialect?: ((principal: string) => Profile | undefined) | undefined;
}

/** A policy with defaults filled in. */
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
 * The operator's choices, given as an object or an instance of their own class. Whatever is absent or undefined has its default.
 * @throws LocalError `MISUSE` for an unknown part, or one of the wrong type: it would have no effect
 */
export function policyOf(chosen: Policy = {}): EffectivePolicy {
  checkParts("policy", chosen, RULES);
  const deciding = <Asked extends unknown[], Answer>(
    part: keyof Policy,
    decide: ((...asked: Asked) => Answer) | undefined,
  ) => decide && ((...asked: Asked) => atOnce(part, decide.apply(chosen, asked)));
  const grant = deciding("grant", chosen.grant);
  return {
    mayObserve: deciding("mayObserve", chosen.mayObserve) ?? defaultPolicy.mayObserve,
    maySubmit: deciding("maySubmit", chosen.maySubmit) ?? defaultPolicy.maySubmit,
    grant: grant === undefined ? defaultPolicy.grant : (...asked) => leaseOf(grant(...asked)),
    modelsWithoutLease: chosen.modelsWithoutLease ?? defaultPolicy.modelsWithoutLease,
    dialect: deciding("dialect", chosen.dialect) ?? defaultPolicy.dialect,
  };
}

/**
 * Checks that a part of the policy has decided synchronously.
 * @throws LocalError `MISUSE` for a promise, which would pass for a yes, or for a lease without a budget
 */
function atOnce<Answer>(part: keyof Policy, answer: Answer): Answer {
  if (!isThenable(answer)) return answer;
  // Nobody awaits the promise, and its rejection must not end the process.
  Promise.resolve(answer).catch(() => {});
  throw new LocalError(
    "MISUSE",
    `policy.${part} must decide synchronously, but returned a promise`,
  );
}

/**
 * Checks that `grant` has returned a lease, as a policy may be plain JavaScript.
 * @throws LocalError `MISUSE` for anything else: each letter of a string in place of a list would be a pattern, and `*` allows all
 */
function leaseOf(granted: Lease): Lease {
  if (isObject(granted) && Object.values(granted).every(isList)) return granted;
  throw new LocalError(
    "MISUSE",
    "policy.grant must return a lease: an object of lists of patterns",
  );
}

function isList(list: unknown): boolean {
  if (list === undefined) return true;
  return Array.isArray(list) && list.every((pattern) => typeof pattern === "string");
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
