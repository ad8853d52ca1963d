import { isTerminal, type JobId, type JobStatus, type Lease, type SessionId } from "@arcp/core";
import { exactNumber } from "../authority/amount.ts";
import type { JobIndex, JobRow, LogStore } from "../store/index.ts";
import type { KnownJob } from "./known-job.ts";
import type { JobTable } from "./table.ts";

/** A job that has ended, as the store keeps it. */
class FinishedJob implements KnownJob {
  readonly id: JobId;
  readonly principal: string;
  readonly session: SessionId;
  readonly submittedIn: SessionId;
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
    this.submittedIn = row.submittedIn ?? row.session;
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

interface House {
  readonly jobs: JobTable;
  readonly store: { readonly jobs: JobIndex; readonly logs: LogStore };
}

/** Finds a job: the live one if there is one, else what is kept of it. */
export async function findJob(house: House, id: JobId): Promise<KnownJob | undefined> {
  const live = house.jobs.get(id);
  if (live !== undefined) return live;
  const row = await house.store.jobs.get(id);
  // It may have been accepted between the two looks.
  return row === undefined ? house.jobs.get(id) : jobOf(house, row);
}

/** The job of a row that was read before, unless it is being removed. */
export async function jobOf({ jobs, store }: House, row: JobRow): Promise<KnownJob | undefined> {
  const live = jobs.get(row.id);
  if (live !== undefined) return live;
  // It may have ended since the row was read.
  const last = isTerminal(row.status) ? row : await store.jobs.get(row.id);
  const { head } = await store.logs.read(row.id, 0, { records: 0, characters: 0 });
  const begun = jobs.get(row.id);
  if (begun !== undefined) return begun;
  // Without a log it is being removed.
  if (last === undefined || head === 0 || !isTerminal(last.status)) return undefined;
  return new FinishedJob(last, head);
}
