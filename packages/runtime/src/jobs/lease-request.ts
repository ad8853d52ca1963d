import {
  type AgentReference,
  ArcpError,
  type Clock,
  formatAgentReference,
  type Lease,
} from "@arcp/core";
import { parseExpiry } from "../authority/expiry.ts";
import { type CompiledLease, compileLease, type LeaseOutcome } from "../authority/lease.ts";
import { withClosedModels } from "../authority/model-use.ts";
import { type Comparison, widening } from "../authority/subset.ts";
import type { EffectiveLimits } from "../limits.ts";
import type { EffectivePolicy } from "../policy.ts";
import type { Turn } from "../turn.ts";
import type { AgentTerms } from "./agent-terms.ts";
import type { JobContext } from "./job-context.ts";

/** What decides about a lease before there is a job. */
export interface LeaseContext extends JobContext {
  readonly policy: EffectivePolicy;
  readonly limits: EffectiveLimits;
  /** The directory that relative paths of agents belong to; undefined when there is none. */
  readonly workspace: string | undefined;
}

/** Characters of a lease, and of the acceptance that repeats it: with the widest of them it still fits one message (R-4.1-7). */
export const MAX_ACCEPTANCE = 256 * 1024;

/** Steps of a turn that it costs to look for one pattern among all those of another lease. */
const PATTERN_STEPS = 32;

/**
 * A requested lease, compiled.
 * @param place of the lease in the request, for humans
 * @throws ArcpError `INVALID_REQUEST` for what is malformed, and before that for what is larger than one job may have (R-14-2)
 */
export function readLease(
  { limits, workspace }: Pick<LeaseContext, "limits" | "workspace">,
  agent: Pick<AgentTerms, "workspace">,
  requested: Lease,
  place: string,
): CompiledLease {
  const count = Object.values(requested).flat().length;
  if (count > limits.patternsPerLease) {
    throw new ArcpError(
      "INVALID_REQUEST",
      `${place}: has ${count} patterns; ${limits.patternsPerLease} are allowed`,
      { details: { reason: "patterns_per_lease" } },
    );
  }
  // To compile much costs much, and this one could not be accepted.
  if (JSON.stringify(requested).length > MAX_ACCEPTANCE) throw tooLarge(place);
  const compiled = compileLease(requested, { workspace: agent.workspace ?? workspace });
  if (compiled.ok) return compiled.lease;
  throw new ArcpError("INVALID_REQUEST", `${place}.${compiled.problem}`);
}

/** The refusal of a lease that is too large to be repeated. @param place as {@link readLease} has it */
export function tooLarge(place: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", `${place}: is too large`);
}

/**
 * What the policy makes of a requested lease: the same or less (R-7.1-3).
 * @throws ArcpError `INTERNAL_ERROR` when the policy widens it: that is a mistake of the operator's, and nothing is granted
 */
export function grantLease(
  context: Pick<LeaseContext, "policy" | "logger" | "committer">,
  principal: string,
  agent: AgentReference,
  requested: CompiledLease,
): CompiledLease | Promise<CompiledLease> {
  const given = context.policy.grant(principal, requested.json, formatAgentReference(agent));
  const granted = withClosedModels(requested.json, given);
  return granted === requested.json ? requested : narrowed(context, principal, requested, granted);
}

async function narrowed(
  context: Pick<LeaseContext, "logger" | "committer">,
  principal: string,
  requested: CompiledLease,
  granted: Lease,
): Promise<CompiledLease> {
  const compiled: LeaseOutcome = isLease(granted)
    ? compileLease(granted, { workspace: requested.workspace })
    : { ok: false, problem: "it is no object of lists of patterns" };
  const problem = compiled.ok
    ? await compared(context.committer.turn, widening(requested, compiled.lease))
    : compiled.problem;
  if (compiled.ok && problem === undefined) return compiled.lease;
  context.logger.error(
    { principal, problem },
    "the policy grants more than was requested: the job is refused",
  );
  throw new ArcpError("INTERNAL_ERROR", "the lease could not be granted");
}

/** Whether it is what its type says: a policy may have no types, and a text in place of a list would be read letter by letter. */
function isLease(granted: Lease): boolean {
  const lists: unknown[] = Object.values(granted);
  return lists.every(
    (list) =>
      list === undefined || (Array.isArray(list) && list.every((text) => typeof text === "string")),
  );
}

/** What comes of comparing two leases, in as many turns as it takes: it holds up nobody, however many are compared (J4). */
export async function compared(turn: Turn, comparison: Comparison): Promise<string | undefined> {
  for (;;) {
    const { done, value } = comparison.next();
    if (done === true) return value;
    if (turn.spend("answering", PATTERN_STEPS) !== undefined) await turn.alone();
  }
}

/**
 * @param place of the time in the request, for humans
 * @returns milliseconds since 1970
 * @throws ArcpError `INVALID_REQUEST` (R-9.5-1)
 */
export function readExpiry(clock: Clock, text: string, place: string): number {
  const expiresAt = parseExpiry(text);
  if (expiresAt !== undefined && expiresAt > clock.now()) return expiresAt;
  const problem =
    expiresAt === undefined ? "must be in UTC, such as 2026-11-02T20:00:00Z" : "has passed";
  throw new ArcpError("INVALID_REQUEST", `${place}: ${problem}`);
}
