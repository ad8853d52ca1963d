import type { JobId, MessageId, SessionId } from "@arcp/core";
import { childrenOf } from "../jobs/children.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import type { Session } from "../session/session.ts";
import type { ListedJob } from "../store/index.ts";
import type { Services } from "./services.ts";

/**
 * Makes a session the owner of a job and of all its descendants (R-7.2-8). An adoption that was interrupted may have left some of
 * them with a previous owner; the next adoption completes it. The session learns of the descendants as any owner does, by following
 * the job.
 * @param request the request by which the session becomes the owner; undefined if it is the owner already
 * @returns whether any descendant has a new owner
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
  // From here on, new children belong to the new owner. A child already on its way may reach the store only later, so it is taken
  // from the live jobs.
  const live = jobs.adopt(id, session.id, isThere);
  const left = new Map(live.map((job) => [job.id, job.submittedIn]));
  const isOurs = ({ session: owner }: ListedJob) => owner === session.id || !isThere(owner);
  for (const row of await descendants(services, id, isOurs)) {
    if (row.session !== session.id) left.set(row.id, row.submittedIn ?? row.session);
  }
  await Promise.all(
    [...left].map(([job, from]) =>
      // No submit of this session requested the job.
      store.jobs.update(job, { session: session.id, submittedIn: from, request: undefined }),
    ),
  );
  if (isTaken) logger.info({ job: id, session: session.id }, "a job has a new owner");
  return left.size > 0;
}

/** All descendants of a job, down to those that are not `ours`. */
async function descendants(
  { store, committer }: Services,
  root: JobId,
  isOurs: (row: ListedJob) => boolean,
): Promise<readonly ListedJob[]> {
  const found: ListedJob[] = [];
  // Grows while it is iterated, so descendants of any depth are found.
  const above = [root];
  for (const parent of above) {
    const children = (await childrenOf(parent, store.jobs)).filter(isOurs);
    found.push(...children);
    above.push(...children.map(({ id }) => id));
    await committer.turn.spend("answering", 1 + children.length);
  }
  return found;
}
