import { isTerminal, type JobId } from "@arcp/core";
import { exactNumbers } from "../exact-number.ts";
import type { ListedJob } from "../store/index.ts";
import type { ReadablePage, ReadableStore } from "../store/readable-logs.ts";
import { initialBudget } from "./acceptance.ts";
import { jobDamaged } from "./ending.ts";
import type { KnownJob } from "./known-job.ts";
import { headOf } from "./log-tail.ts";
import type { JobTable } from "./table.ts";

/** A job that does not run here, from its row. */
function storedJob(row: ListedJob, lastSeq: number): KnownJob {
  const { id, principal, session, submittedIn = session, agent, traceId, lease, status } = row;
  const { expiresAt, parent } = row;
  return {
    id,
    principal,
    session,
    submittedIn,
    parent,
    agent,
    traceId,
    lease,
    expiresAt,
    status,
    lastSeq,
    // A subscriber that requests no history still gets the terminal record.
    liveAfter: isTerminal(status) ? lastSeq - 1 : lastSeq,
    // Nothing was stored if the crash came before anything was spent.
    remaining: row.remaining ? exactNumbers(Object.entries(row.remaining)) : initialBudget(lease),
  };
}

/** Where to look for jobs. */
export interface Kept {
  readonly jobs: JobTable;
  readonly store: Pick<ReadableStore, "jobs" | "logs">;
}

/** Finds a job: the live one if there is one, otherwise what is kept of it. */
export async function findJob(kept: Kept, id: JobId): Promise<KnownJob | undefined> {
  const live = await liveJob(kept, id);
  if (live !== undefined) return live;
  const row = await kept.store.jobs.get(id);
  // It may have been accepted between the two lookups.
  return row === undefined ? liveJob(kept, id) : jobOf(kept, row);
}

/** A live job, once its existence is final: a child that no record announces never existed. */
async function liveJob({ jobs }: Kept, id: JobId): Promise<KnownJob | undefined> {
  const live = jobs.get(id);
  const announced = live?.family.announced;
  if (announced !== undefined) await announced;
  return live?.family.isInDoubt ? undefined : live;
}

/**
 * Checks that a finished job still has its end, for which its followers wait.
 * @throws ArcpError `JOB_NOT_FOUND` if the end is known to be lost
 */
export function checkEnd({ id, status }: KnownJob, { isEndLost = false }: ReadablePage): void {
  if (isEndLost && isTerminal(status)) throw jobDamaged(id);
}

/** The job of a row that was just read; undefined if it is being removed. */
export async function jobOf(kept: Kept, row: ListedJob): Promise<KnownJob | undefined> {
  const { jobs, store } = kept;
  const live = await liveJob(kept, row.id);
  if (live !== undefined) return live;
  // It may have ended since the row was read.
  const last = isTerminal(row.status) ? row : await store.jobs.get(row.id);
  const head = await headOf(row.id, store.logs);
  const begun = await liveJob(kept, row.id);
  if (begun !== undefined) return begun;
  if (last === undefined) return undefined;
  if (jobs.isStranded(row.id)) return storedJob(last, head);
  // A finished job without a log is left over from an interrupted removal.
  if (head === 0 || !isTerminal(last.status)) return undefined;
  if (jobs.isLeaving(row.id) || jobs.get(row.id)?.family.isInDoubt) return undefined;
  return storedJob(last, head);
}
