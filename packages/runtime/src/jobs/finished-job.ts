import { isTerminal, type JobId } from "@arcp/core";
import { exactNumbers } from "../exact-number.ts";
import { unlessDamaged } from "../store/damage.ts";
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

/**
 * Finds a job: the live one if there is one, otherwise what is kept of it.
 * @param isVisible asked before the job's log is read, because a failure to read it would reveal that the job exists (R-7.6-2)
 */
export async function findJob(
  kept: Kept,
  id: JobId,
  isVisible: (job: Pick<KnownJob, "id" | "principal" | "agent">) => boolean,
): Promise<KnownJob | undefined> {
  const live = await liveJob(kept, id);
  const row = live === undefined ? await kept.store.jobs.get(id) : undefined;
  if (row !== undefined) return isVisible(row) ? jobOf(kept, row) : undefined;
  // It may have been accepted between the two lookups.
  const job = live ?? (await liveJob(kept, id));
  return job !== undefined && isVisible(job) ? job : undefined;
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

/** Whether a job that is not recovered yet may never have been announced, and so not exist (R-10-2). */
function isInDoubt({ parent, status }: ListedJob): boolean {
  return parent !== undefined && status === "pending";
}

/**
 * The job of a row that was just read; undefined if it is being removed.
 * @throws ArcpError `INTERNAL_ERROR` if it is not known yet whether the job exists
 */
export async function jobOf(kept: Kept, row: ListedJob): Promise<KnownJob | undefined> {
  const { jobs, store } = kept;
  const live = await liveJob(kept, row.id);
  if (live !== undefined) return live;
  // It may have ended since the row was read.
  const last = isTerminal(row.status) ? row : await store.jobs.get(row.id);
  const refusal = last && isInDoubt(last) ? jobs.refusal(row.id) : undefined;
  if (refusal !== undefined) throw refusal;
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

/** A job as it is listed. */
export interface ListableJob extends Omit<KnownJob, "lastSeq"> {
  /** Undefined if the job could not be recovered yet, and its log cannot be read. */
  readonly lastSeq: number | undefined;
}

/**
 * Like {@link jobOf}, for a listing: a job that the store refuses must not keep the others from being listed.
 * @returns undefined for a job that is being removed, cannot be read, or may not exist
 */
export async function listableJob(kept: Kept, row: ListedJob): Promise<ListableJob | undefined> {
  try {
    return await unlessDamaged(jobOf(kept, row));
  } catch (error) {
    if (!kept.jobs.isStranded(row.id)) throw error;
    return isInDoubt(row) ? undefined : { ...storedJob(row, 0), lastSeq: undefined };
  }
}
