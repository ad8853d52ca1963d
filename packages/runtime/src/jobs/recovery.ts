import type { JobId, TerminalStatus } from "@arcp/core";
import { compileLease } from "../authority/lease.ts";
import { inLanes } from "../lanes.ts";
import type { ListedJob } from "../store/index.ts";
import { Patience, Refusal } from "../store/patience.ts";
import { retried } from "../store/retry.ts";
import type { AdmissionContext } from "./admission.ts";
import { AnnouncedChildren } from "./announced-children.ts";
import { childrenOf } from "./children.ts";
import { cancelled, damaged, type Ending, parentEnded } from "./ending.ts";
import { attemptOf } from "./job-attempt.ts";
import { outcomeOfEnding } from "./job-outcome.ts";
import { UNFINISHED } from "./job-state.ts";
import { headOf, tailOf } from "./log-tail.ts";
import { forgetJob } from "./removal.ts";
import { writeEnd } from "./written-end.ts";

/** Prepares a job for another attempt of its agent. @returns a function that starts it; or how the job ends because it cannot */
export type Restart = (row: ListedJob, head: number) => Promise<(() => void) | Ending>;

/** What became of a job: a function that starts its agent, unless it is over. `fenced`: another runtime has taken it over. */
export type Recovered = (() => void) | "over" | "fenced";

export interface RecoveredJobs {
  /** Starts the agents of the jobs that run again, each by a call. */
  readonly starts: ReadonlyArray<() => void>;
  /** Jobs that could not be recovered yet, although the store answers other calls. */
  readonly refused: readonly JobId[];
  /** The number of jobs that were recovered. */
  readonly count: number;
}

/** Unfinished jobs loaded per page. */
const PAGE = 256;

/** Jobs recovered at a time. */
const AT_ONCE = 32;

/** What recovering a job costs of the turn's budget. */
const JOB_STEPS = 8;

/** How a job that never began may have ended: with its parent, or by a timer of its own. */
const ENDS_OF_PENDING: readonly TerminalStatus[] = ["error", "cancelled", "timed_out"];

/**
 * Recovers every job that was live when the previous process died. Jobs whose agent may run again are prepared for that; every
 * other one gets exactly one terminal record, unless its terminal record was already durable (R-7.3-10, R-7.4-2, J3). Delegated
 * jobs that nothing announces are forgotten. Jobs whose rows cannot be read are handled elsewhere. The order does not matter, not
 * even between parents and children: what becomes of a child depends on its own row and on which children its parent has announced,
 * and recovering the parent changes neither.
 * @throws what the store rejects calls with, if it rejects all
 */
export async function recoverJobs(
  context: AdmissionContext,
  restart: Restart,
): Promise<RecoveredJobs> {
  const { clock, committer, store, jobs, logger } = context;
  const starts: Array<() => void> = [];
  const refused: JobId[] = [];
  let count = 0;
  const patience = new Patience(clock, store.logs);
  const announced = new AnnouncedChildren(store);
  const attempt = async (row: ListedJob): Promise<void> => {
    await committer.turn.spend("answering", JOB_STEPS);
    const recovered = await patience.retried(() => recoverJob(context, row, announced, restart));
    if (recovered instanceof Refusal) {
      logger.error({ job: row.id, err: recovered.cause }, "a job cannot be recovered yet");
      jobs.strand(row);
      refused.push(row.id);
      return;
    }
    if (typeof recovered === "function") starts.push(recovered);
    count += 1;
  };
  for (let after: ListedJob | undefined; ; ) {
    const query = { statuses: UNFINISHED, after, limit: PAGE };
    const rows = await retried(clock, () => store.jobs.list(query));
    await inLanes(AT_ONCE, rows, attempt);
    after = rows.at(-1);
    if (rows.length < PAGE) return { starts, refused, count };
  }
}

/** Recovers one job. If it rejects, nothing is decided, and it can be called again. */
export async function recoverJob(
  context: AdmissionContext,
  row: ListedJob,
  announced: AnnouncedChildren,
  restart: Restart,
): Promise<Recovered> {
  const { head, last, end } = await tailOf(row.id, context.store.logs);
  const neverBegan = row.status === "pending" && (head === 0 || end !== undefined);
  // An agent starts only after that record (J2), so nobody can have seen anything of this job.
  if (neverBegan && (await announced.lack(row))) {
    await forgetJob(context, row);
    return "over";
  }
  await forgetEnded(context, row.id, announced);
  // A running job has at least its first record, so without any record something is lost.
  const isDamaged = last === undefined && (head > 0 || row.status === "running");
  const next = end ?? forbidding(row, isDamaged) ?? (await restart(row, head));
  if (typeof next === "function") return next;
  if ((await writeEnd(context, row, next, { head, isDamaged })) === "fenced") {
    context.logger.warn({ job: row.id }, "another runtime has taken over a job");
    context.jobs.strand(row, true);
    return "fenced";
  }
  if (typeof next !== "string") tell(context, row, next);
  return "over";
}

/**
 * A child that never began may still have a stored end, although the store refused the parent's announcement of it. Such children
 * are removed before the parent's end is written, so that the next process finds them if this one dies meanwhile.
 */
async function forgetEnded(
  context: AdmissionContext,
  parent: JobId,
  announced: AnnouncedChildren,
): Promise<void> {
  const { store, committer } = context;
  for (const child of await childrenOf(parent, store.jobs, ENDS_OF_PENDING)) {
    await committer.turn.spend("answering", 1);
    // A child that has begun wrote that first; no need to read its parent's log.
    if ((await headOf(child.id, store.logs)) > 1) continue;
    if (await announced.lack(child)) await forgetJob(context, child);
  }
}

/** Reports the job to the observer: the process that ran it could not report its end. */
function tell({ observation }: AdmissionContext, row: ListedJob, ending: Ending): void {
  const lease = observation && compileLease(row.lease, { workspace: row.workspace });
  if (!lease?.ok) return;
  const attempt = attemptOf({ ...row, lease: lease.lease, attempt: row.attempt ?? 1 });
  observation?.job(attempt)?.ended(outcomeOfEnding(ending, attempt.remaining));
}

/** @returns the ending of a job that must not run again, whatever its agent allows; undefined if it may */
function forbidding(row: ListedJob, isDamaged: boolean): Ending | undefined {
  if (row.cancel !== undefined) return cancelled(row.cancel);
  // Even if the parent runs again, because its new attempt delegates again.
  if (row.parent !== undefined) return parentEnded();
  return isDamaged ? damaged(row.id) : undefined;
}
