import type { JobId, MessageId, SessionId } from "@arcp/core";
import { childrenOf } from "../jobs/children.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import type { Session } from "../session/session.ts";
import type { ListedJob } from "../store/index.ts";
import type { Services } from "./services.ts";

/**
 * Gives a job to a session, with all that it has delegated and what that has (R-7.2-8). What was broken off is made good by
 * the next one: some of the family may have been left behind, with any of those that the job came through. The session
 * comes to the family as any owner does, by following the job.
 * @param request by which the session comes to own the job; undefined where that is settled
 * @returns whether anything that it has delegated has a new owner
 */
export async function adopt(
  services: Services,
  session: Session,
  request: MessageId | undefined,
  { id, submittedIn }: KnownJob,
): Promise<boolean> {
  const { store, jobs, sessions, logger } = services;
  const isTaken = request !== undefined;
  if (isTaken) await store.jobs.update(id, { session: session.id, request, submittedIn });
  const isThere = (owner: SessionId) => sessions.get(owner) !== undefined;
  // From here on what it delegates belongs to the new owner; what was on its way may be in the store only later.
  const live = jobs.adopt(id, session.id, isThere);
  const left = new Map(live.map((job) => [job.id, job.submittedIn]));
  const isOurs = ({ session: owner }: ListedJob) => owner === session.id || !isThere(owner);
  for (const row of await descendants(services, id, isOurs)) {
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

/** All that a job has delegated, and what that has, down to what is not `ours`. */
async function descendants(
  { store, committer }: Services,
  root: JobId,
  isOurs: (row: ListedJob) => boolean,
): Promise<readonly ListedJob[]> {
  const found: ListedJob[] = [];
  // What it finds on the way is looked at as well.
  const above = [root];
  for (const parent of above) {
    const children = (await childrenOf(parent, store.jobs)).filter(isOurs);
    found.push(...children);
    above.push(...children.map(({ id }) => id));
    await committer.turn.spend("answering", 1 + children.length);
  }
  return found;
}
