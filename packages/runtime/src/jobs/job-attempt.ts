import { newTraceContext, type TraceContext } from "@arcp/core";
import type { CompiledLease } from "../authority/lease.ts";
import { amountsOf } from "../authority/money.ts";
import type { JobAttempt } from "../observer.ts";

interface Known extends Omit<JobAttempt, "lease" | "trace"> {
  readonly lease: CompiledLease;
  /** The trace id of the submit; undefined if it had none. */
  readonly traceId: string | undefined;
  readonly traceContext?: TraceContext | undefined;
}

/**
 * An attempt as its observer sees it. Without a trace context in the submit, its parent in the trace is the job's first attempt, or
 * else a made-up parent (R-11-4).
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
    remaining: remaining ?? amountsOf(lease.budget),
    trace: above ?? (traceId === undefined ? undefined : newTraceContext(traceId)),
    firstAttempt,
  };
}
