import { type JobStatus, type Lease, LocalError, type Payload } from "@arcp/core";
import type { Exchange } from "./exchange.ts";
import { checkNames, misuse } from "./misuse.ts";
import { timeOf } from "./time-of.ts";

/** Which jobs to list. Every given condition has to match. */
export interface JobFilter {
  /** One of these states. Default: any. */
  readonly status?: readonly JobStatus[] | undefined;
  /** `name` matches every version, `name@version` exactly one. */
  readonly agent?: string | undefined;
  /** Accepted after this, exclusive. */
  readonly createdAfter?: Date | undefined;
  /** Accepted before this, exclusive. */
  readonly createdBefore?: Date | undefined;
}

/** A job as shown in a listing, at the moment its page was made. */
export interface ListedJob {
  readonly id: string;
  /** The resolved reference. */
  readonly agent: string;
  readonly status: JobStatus | (string & {});
  /** What it may do and spend, as granted. */
  readonly lease: Lease;
  /** The job that delegated it; undefined for one that a client submitted. */
  readonly parent: string | undefined;
  /** When it was accepted. */
  readonly createdAt: Date;
  readonly traceId: string | undefined;
}

/** Jobs per page: nearly always few enough for one message, whatever their leases are. */
const PAGE = 100;

/**
 * Lists jobs in the order of their acceptance. Requests pages as they are needed.
 * @throws whatever requests fail with, and a LocalError `MISUSE` for an invalid date, a `status` that is not an array or an
 *   unknown filter, or `PROTOCOL_VIOLATION` if a page leads to itself
 */
export async function* listJobs(
  exchange: Pick<Exchange, "ask">,
  filter: JobFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedJob, void, undefined> {
  for (let cursor: string | undefined; ; ) {
    const page = await exchange.ask(
      { type: "session.list_jobs", payload: listing(filter, cursor) },
      (reply) => (reply.type === "session.jobs" ? reply.payload : undefined),
      signal,
    );
    for (const entry of page.jobs) yield listedJob(entry);
    if (page.next_cursor === null) return;
    if (page.next_cursor === cursor) {
      throw new LocalError(
        "PROTOCOL_VIOLATION",
        "a page of the runtime's listing points to itself",
      );
    }
    cursor = page.next_cursor;
  }
}

function listing(
  { status, agent, createdAfter, createdBefore, ...foreign }: JobFilter,
  cursor: string | undefined,
): Payload<"session.list_jobs"> {
  checkNames("the filter", foreign);
  // A string would be spread into letters, and the error would be about those.
  if (!Array.isArray(status ?? [])) throw misuse("status must be an array");
  const filter = {
    status: status as JobStatus[] | undefined,
    agent,
    created_after: timeOf("createdAfter", createdAfter),
    created_before: timeOf("createdBefore", createdBefore),
  };
  return { filter, limit: PAGE, cursor };
}

function listedJob(entry: Payload<"session.jobs">["jobs"][number]): ListedJob {
  const { job_id: id, agent, status, lease, parent_job_id, created_at, trace_id } = entry;
  return {
    id,
    agent,
    status,
    lease,
    parent: parent_job_id ?? undefined,
    createdAt: new Date(created_at),
    traceId: trace_id,
  };
}
