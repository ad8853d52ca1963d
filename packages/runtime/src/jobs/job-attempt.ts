import { newTraceContext, type TraceContext } from "@arcp/core";
import type { CompiledLease } from "../authority/lease.ts";
import type { JobAttempt } from "../observer.ts";

interface Known extends Omit<JobAttempt, "lease" | "trace"> {
  readonly lease: CompiledLease;
  /** What its submit said of its trace; undefined for nothing. */
  readonly traceId: string | undefined;
  readonly traceContext?: TraceContext | undefined;
}

/**
 * An attempt of a job, as whoever observes it is told of it. Where nobody is known who could be above it in its trace, that is its
 * first attempt, or else a parent that is made up (R-11-4).
 */
export function attemptOf({
  lease,
  remaining,
  traceId,
  traceContext,
  ...known
}: Known): JobAttempt {
  const { id, agent, principal, session, parent, attempt, acceptedAt, expiresAt } = known;
  const { firstAttempt } = known;
  const above = traceContext ?? firstAttempt;
  return {
    id,
    agent,
    principal,
    session,
    parent,
    attempt,
    acceptedAt,
    lease: lease.json,
    expiresAt,
    remaining: remaining ?? granted(lease),
    trace: above ?? (traceId === undefined ? undefined : newTraceContext(traceId)),
    firstAttempt,
  };
}

function granted({ budget }: CompiledLease): JobAttempt["remaining"] {
  if (budget.size === 0) return undefined;
  return Object.fromEntries([...budget].map(([currency, amount]) => [currency, amount.toFixed()]));
}
