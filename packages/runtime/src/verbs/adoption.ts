import type { JobId, MessageId, SessionId } from "@arcp/core";
import type { KnownJob } from "../jobs/known-job.ts";
import { jobsOf } from "../jobs/owned.ts";
import type { Session } from "../session/session.ts";
import type { ListedJob, Store } from "../store/index.ts";
import type { Services } from "./services.ts";

/**
 * Gives a job to a session, with all that it has delegated and what that has (R-7.2-8). What was broken off is made good by
 * the next one: some of the family may have been left behind, with any of those that the job came through. The session
 * comes to the family as any owner does, by following the job.
 * @param request by which the session comes to own the job; undefined where that is settled
 * @returns whether anything that it has delegated has a new owner
 */
export async function adopt(
  { store, jobs, logger }: Services,
  session: Session,
  request: MessageId | undefined,
  { id, submittedIn, session: owner }: KnownJob,
): Promise<boolean> {
  const isTaken = request !== undefined;
  if (isTaken) await store.jobs.update(id, { session: session.id, request, submittedIn });
  // From here on what it delegates belongs to the new owner; what was on its way may be in the store only later.
  const live = jobs.get(id)?.family.adopt(session.id) ?? [];
  const left = new Map(live.map((job) => [job.id, job.submittedIn]));
  for (const row of await descendants(store, id, [submittedIn, owner, session.id])) {
    if (row.session !== session.id) left.set(row.id, row.submittedIn ?? row.session);
  }
  await Promise.all(
    [...left].map(([job, from]) =>
      // No submit of the session asked for it.
      store.jobs.update(job, { session: session.id, submittedIn: from, request: undefined }),
    ),
  );
  if (isTaken) logger.info({ job: id, session: session.id }, "a job has a new owner");
  return left.size > 0;
}

/** All that a job has delegated, and what that has, while it belonged to these sessions. */
async function descendants(
  { jobs }: Pick<Store, "jobs">,
  root: JobId,
  sessions: readonly SessionId[],
): Promise<readonly ListedJob[]> {
  const rows = await Promise.all([...new Set(sessions)].map((session) => jobsOf(session, jobs)));
  // Of two jobs of one moment either may be listed first, so a child may stand in front of its parent.
  const byParent = Map.groupBy(rows.flat(), ({ parent }) => parent);
  const found: ListedJob[] = [];
  for (const above = [root]; above.length > 0; ) {
    const children = byParent.get(above.shift()) ?? [];
    found.push(...children);
    above.push(...children.map(({ id }) => id));
  }
  return found;
}
