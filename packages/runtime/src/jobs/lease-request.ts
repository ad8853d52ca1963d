import {
  type AgentReference,
  ArcpError,
  type Clock,
  formatAgentReference,
  type Lease,
} from "@arcp/core";
import { parseExpiry } from "../authority/expiry.ts";
import { type CompiledLease, compileLease } from "../authority/lease.ts";
import { withClosedModels } from "../authority/model-use.ts";
import { type Comparison, widening } from "../authority/subset.ts";
import { workspacePath } from "../authority/workspace.ts";
import type { EffectiveLimits } from "../limits.ts";
import type { EffectivePolicy } from "../policy.ts";
import type { Turn } from "../turn.ts";
import type { AgentTerms } from "./agent-terms.ts";
import type { JobContext } from "./job-context.ts";

/** What it takes to decide on a lease request. */
export interface LeaseContext extends JobContext {
  readonly policy: EffectivePolicy;
  readonly limits: EffectiveLimits;
  /** The base directory for agents' relative paths; undefined if there is none. */
  readonly workspace: string | undefined;
}

/**
 * The most characters of a lease, and of the acceptance that repeats it: even with the widest characters it fits into one message
 * (R-4.1-7).
 */
export const MAX_ACCEPTANCE = 256 * 1024;

/** What comparing one pattern with all those of another lease costs of the turn's budget. */
const PATTERN_STEPS = 32;

/**
 * Compiles a requested lease.
 * @param place where the lease is in the request, as text for people
 * @throws ArcpError `INVALID_REQUEST` if it is larger than a job's lease may be (R-14-2), or else if it is malformed
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
  // Checked first: compiling a huge lease is expensive, and it could not be accepted anyway.
  if (JSON.stringify(requested).length > MAX_ACCEPTANCE) throw tooLarge(place);
  const base = agent.workspace ?? workspace;
  const compiled = compileLease(requested, { workspace: base && workspacePath(base) });
  if (compiled.ok) return compiled.lease;
  throw new ArcpError("INVALID_REQUEST", `${place}.${compiled.problem}`);
}

/** The refusal of a lease that is too large to be repeated. @param place as in {@link readLease} */
export function tooLarge(place: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", `${place}: is too large`);
}

/**
 * Applies the policy to a requested lease, which gives the same or less (R-7.1-3).
 * @throws ArcpError `INTERNAL_ERROR` if the policy widens the lease: that is a mistake of the operator's, and nothing is granted
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
  const compiled = compileLease(granted, { workspace: requested.workspace });
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

/** Compares two leases over as many turns as it takes, so that comparisons hold up nobody, however many there are (J4). */
export async function compared(turn: Turn, comparison: Comparison): Promise<string | undefined> {
  for (;;) {
    const { done, value } = comparison.next();
    if (done === true) return value;
    if (turn.spend("answering", PATTERN_STEPS) !== undefined) await turn.alone();
  }
}

/**
 * @param place where the time is in the request, as text for people
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
