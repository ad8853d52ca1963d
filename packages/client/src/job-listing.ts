import { type JobStatus, type Lease, LocalError, type Payload } from "@arcp/core";
import type { Exchange } from "./exchange.ts";
import { checkNames, misuse } from "./misuse.ts";
import { timeOf } from "./time-of.ts";

/** Which jobs to list. Everything given has to match. */
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
  /** What it may do and spend, as it was granted. */
  readonly lease: Lease;
  /** The job that delegated it; undefined for one that a client submitted. */
  readonly parent: string | undefined;
  /** When it was accepted. */
  readonly createdAt: Date;
  readonly traceId: string | undefined;
}

/** Jobs of one page: most of them fit one message whatever their leases are. */
const PAGE = 100;

/**
 * In the order of their acceptance. Pages are asked for as they are needed.
 * @throws what requests fail with, and a LocalError `MISUSE` for a date or a list of states that is none, or a filter
 *   that there is not, or `PROTOCOL_VIOLATION` when a page leads to itself
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
  // A text would fall into its letters, and be refused as these.
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
