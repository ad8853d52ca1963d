import { formatTimestamp, type JobId, type Lease } from "@arcp/core";
import { Budget } from "../authority/budget.ts";
import { compileGrant } from "../authority/grant.ts";
import type { JobRow } from "../store/index.ts";

/** The message that announces an accepted job, repeated whenever the client may have missed it (R-6.3-8). */
export interface Acceptance {
  readonly type: "job.accepted";
  readonly job_id: JobId;
  readonly trace_id: string;
  readonly payload: object;
}

/**
 * The acceptance of a job. It shows the initial budget, whatever was spent since (section 7.1).
 * @param truncated whether older history is missing (P3)
 */
export function acceptanceOf(
  row: Pick<
    JobRow,
    | "id"
    | "request"
    | "agent"
    | "lease"
    | "expiresAt"
    | "acceptedAt"
    | "traceId"
    | "parent"
    | "delegateId"
  >,
  truncated = false,
): Acceptance {
  return {
    type: "job.accepted",
    job_id: row.id,
    trace_id: row.traceId,
    payload: {
      request_id: row.request,
      job_id: row.id,
      agent: row.agent,
      lease: row.lease,
      lease_constraints: constraintsOf(row),
      budget: initialBudget(row.lease),
      accepted_at: formatTimestamp(row.acceptedAt),
      trace_id: row.traceId,
      parent_job_id: row.parent,
      delegate_id: row.delegateId,
      ...(truncated && { truncated }),
    },
  };
}

/** The amounts of a lease in wire form; undefined if there are none. */
export function initialBudget({ "cost.budget": entries }: Lease): object | undefined {
  if (entries === undefined) return undefined;
  const compiled = compileGrant(entries);
  return compiled.ok && compiled.grant.size > 0 ? new Budget(compiled.grant).toJSON() : undefined;
}

/** The effective constraints of a lease in wire form; undefined if there are none. */
export function constraintsOf({ expiresAt }: Pick<JobRow, "expiresAt">): object | undefined {
  return expiresAt === undefined ? undefined : { expires_at: formatTimestamp(expiresAt) };
}
