import { isTerminal, type JobId, type JobStatus, type Lease, type SessionId } from "@arcp/core";
import { exactNumber } from "../authority/amount.ts";
import type { JobIndex, JobRow, LogStore } from "../store/index.ts";
import type { JobTable } from "./table.ts";

/** What others may know of a job, running or finished, as its log tells it (J2). */
export interface KnownJob {
  readonly id: JobId;
  readonly principal: string;
  readonly session: SessionId;
  /** The resolved reference. */
  readonly agent: string;
  readonly traceId: string;
  readonly lease: Lease;
  readonly status: JobStatus;
  /** The `job_seq` of the last durable record. */
  readonly lastSeq: number;
  /** The `job_seq` behind which everything is still to come; of an ended job its terminal record is (R-7.6-6). */
  readonly liveAfter: number;
  /** What remains of its budget, for `JSON.stringify`; undefined when it has none. */
  readonly remaining: object | undefined;
}

/** A job that has ended, as the store keeps it. */
class FinishedJob implements KnownJob {
  readonly id: JobId;
  readonly principal: string;
  readonly session: SessionId;
  readonly agent: string;
  readonly traceId: string;
  readonly lease: Lease;
  readonly status: JobStatus;
  readonly lastSeq: number;
  readonly remaining: object | undefined;

  constructor(row: JobRow, lastSeq: number) {
    this.id = row.id;
    this.principal = row.principal;
    this.session = row.session;
    this.agent = row.agent;
    this.traceId = row.traceId;
    this.lease = row.lease;
    this.status = row.status;
    this.lastSeq = lastSeq;
    this.remaining =
      row.remaining &&
      Object.fromEntries(
        Object.entries(row.remaining).map(([currency, text]) => [currency, exactNumber(text)]),
      );
  }

  get liveAfter(): number {
    return this.lastSeq - 1;
  }
}

/** Finds a job: the live one if there is one, else what is kept of it. */
export async function findJob(
  { jobs, store }: { jobs: JobTable; store: { jobs: JobIndex; logs: LogStore } },
  id: JobId,
): Promise<KnownJob | undefined> {
  const live = jobs.get(id);
  if (live !== undefined) return live;
  const row = await store.jobs.get(id);
  const { head } = await store.logs.read(id, 0, { records: 0, characters: 0 });
  // It may have been accepted between the two looks.
  const begun = jobs.get(id);
  if (begun !== undefined) return begun;
  // Without a log it is being removed.
  if (row === undefined || head === 0 || !isTerminal(row.status)) return undefined;
  return new FinishedJob(row, head);
}
