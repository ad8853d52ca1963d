import type { JobId, TerminalStatus } from "@arcp/core";
import { compileLease } from "../authority/lease.ts";
import type { ListedJob } from "../store/index.ts";
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

/** Takes up a job whose agent may run again. @returns starts that; or how the job ends because it cannot be */
export type Restart = (row: ListedJob, head: number) => Promise<(() => void) | Ending>;

/** What a job costs of a turn of the event loop. */
const JOB_STEPS = 8;

/** How a job may end that never began: with its parent, or by a clock of its own. */
const ENDS_OF_PENDING: readonly TerminalStatus[] = ["error", "cancelled", "timed_out"];

/**
 * Takes every job in hand that ran when the process before this one died. One whose agent may be started again gets
 * ready for that; every other one gets exactly one terminal record, and none whose terminal record was already durable
 * (R-7.3-10, R-7.4-2, J3). A delegated job of which nothing tells is forgotten. Those whose rows cannot be read are left to others.
 * @returns starts the agents of the jobs that are run again
 */
export async function recoverJobs(
  context: AdmissionContext,
  restart: Restart,
): Promise<() => void> {
  const starts: Array<() => void> = [];
  const { jobs } = context.store;
  const announced = new AnnouncedChildren(context.store);
  for (let after: ListedJob | undefined; ; ) {
    const rows = await jobs.list({ statuses: UNFINISHED, after, limit: 100 });
    for (const row of rows) {
      await context.committer.turn.spend("answering", JOB_STEPS);
      const start = await recover(context, row, announced, restart);
      if (start !== undefined) starts.push(start);
    }
    after = rows.at(-1);
    if (after === undefined) break;
  }
  return () => starts.map((start) => start());
}

async function recover(
  context: AdmissionContext,
  row: ListedJob,
  announced: AnnouncedChildren,
  restart: Restart,
): Promise<(() => void) | undefined> {
  const { head, last, end } = await tailOf(row.id, context.store.logs);
  const neverBegan = row.status === "pending" && (head === 0 || end !== undefined);
  // Its agent starts behind that record (J2), so there is nothing that anybody could be told of.
  if (neverBegan && (await announced.lack(row))) {
    await forgetJob(context, row);
    return undefined;
  }
  await forgetEnded(context, row.id, announced);
  // It is said to run by its first record.
  const isDamaged = last === undefined && (head > 0 || row.status === "running");
  const next = end ?? forbidding(row, isDamaged) ?? (await restart(row, head));
  if (typeof next === "function") return next;
  await writeEnd(context, row, next, { head, isDamaged });
  if (typeof next !== "string") tell(context, row, next);
  return undefined;
}

/**
 * A child that never began has its end all the same, where the store took that and refused what its parent said of it. Goes
 * before the end of its parent, so that a process that dies meanwhile leaves it to the next one.
 */
async function forgetEnded(
  context: AdmissionContext,
  parent: JobId,
  announced: AnnouncedChildren,
): Promise<void> {
  const { store, committer } = context;
  for (const child of await childrenOf(parent, store.jobs, ENDS_OF_PENDING)) {
    await committer.turn.spend("answering", 1);
    // One that has begun said so first, and nobody has to read its parent's log for it.
    if ((await headOf(child.id, store.logs)) > 1) continue;
    if (await announced.lack(child)) await forgetJob(context, child);
  }
}

/** Whoever observes jobs is told of this one as well: the process that ran it could not say how it ended. */
function tell({ observation }: AdmissionContext, row: ListedJob, ending: Ending): void {
  const lease = observation && compileLease(row.lease, { workspace: row.workspace });
  if (!lease?.ok) return;
  const attempt = attemptOf({ ...row, lease: lease.lease, attempt: row.attempt ?? 1 });
  observation?.job(attempt)?.ended(outcomeOfEnding(ending, attempt.remaining));
}

/** @returns how a job ends whatever its agent allows; undefined when it may go on */
function forbidding(row: ListedJob, isDamaged: boolean): Ending | undefined {
  if (row.cancel !== undefined) return cancelled(row.cancel.reason);
  // Whether or not its parent is run again: another attempt delegates anew.
  if (row.parent !== undefined) return parentEnded();
  return isDamaged ? damaged(row.id) : undefined;
}
