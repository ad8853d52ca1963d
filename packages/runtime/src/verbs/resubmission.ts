import { ArcpError, type Envelope, type JobId, type SessionId } from "@arcp/core";
import { acceptanceOf } from "../jobs/acceptance.ts";
import type { UsedKey } from "../jobs/admission.ts";
import { jobOf } from "../jobs/finished-job.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import type { Origin } from "../session/attachments.ts";
import type { Session } from "../session/session.ts";
import type { SubmitReply } from "../session/submit-log.ts";
import type { JobRow, ListedJob } from "../store/index.ts";
import type { Services } from "./services.ts";
import { tooManyFollowed } from "./subscribe.ts";

/** Keeps a job until the reply was made. */
type Hold = (job: JobId) => void;

type Accepted = Extract<SubmitReply, { readonly kind: "accepted" }>;

/**
 * The reply to a submit whose key has a job: the acceptance of that job once more (R-7.2-3), which the session follows
 * from then on (R-7.2-8).
 * @returns undefined when the key is free
 * @throws ArcpError `DUPLICATE_KEY` when the key was used for something else (R-7.2-4)
 */
export async function resubmission(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  { key, fingerprint }: UsedKey,
): Promise<Accepted | undefined> {
  const { store, jobs } = services;
  const record = await store.idempotency.get(session.principal, key);
  const row = record && (await store.jobs.get(record.job));
  if (record === undefined || row === undefined) return undefined;
  // The reply waits for those of earlier submits, and nothing comes of a job whose time is up meanwhile.
  const held: Array<() => void> = [];
  const hold: Hold = (job) => void held.push(jobs.expect(job));
  const release = (): void => {
    for (const letGo of held.splice(0)) letGo();
  };
  hold(row.id);
  let reply: Accepted | undefined;
  try {
    if ((await jobOf(services, row)) === undefined) return undefined;
    if (record.fingerprint !== fingerprint) {
      throw new ArcpError(
        "DUPLICATE_KEY",
        "payload.idempotency_key: was used before with other parameters",
      );
    }
    reply = await acceptedAgain(services, session, request, row, hold);
    return reply && { ...reply, release };
  } finally {
    if (reply === undefined) release();
  }
}

/** @returns undefined when the job is gone */
async function acceptedAgain(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  row: JobRow,
  hold: Hold,
): Promise<Accepted | undefined> {
  const { store, jobs } = services;
  await jobs.get(row.id)?.life.settled();
  // What it has become by now.
  const job = await jobOf(services, (await store.jobs.get(row.id)) ?? row);
  if (job === undefined) return undefined;
  const { follow, begin, truncated } = await place(services, session, request, job, hold);
  const acceptance = acceptanceOf({ ...row, request: request.id });
  const payload = { ...acceptance.payload, ...(truncated && { truncated }) };
  return { kind: "accepted", announcement: { ...acceptance, payload }, follow, begin };
}

interface Place {
  /** Lets the session follow the job. */
  readonly follow: () => void;
  /** What follows the reply. */
  readonly begin: () => void;
  /** Whether older history is missing (P3). */
  readonly truncated: boolean;
}

/** Makes the session the owner if there is none any more. @returns how the session comes to follow the job */
async function place(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  job: KnownJob,
  hold: Hold,
): Promise<Place> {
  const origin = { request: request.id, head: job.lastSeq };
  if (job.session === session.id) {
    // What it adopted and does not know, it was about to follow when the adoption was broken off.
    const { attachments } = session.stream;
    const isBroken = job.submittedIn !== session.id && !attachments.knows(job.id);
    if (isBroken) return heirPlace(services, session, request, job, hold);
    return ownPlace(services, session, job, origin);
  }
  // What the session has left before makes room, also while that is still on its way. The owner may go meanwhile.
  await session.subscriptions.run(() => {});
  const orphaned = services.sessions.get(job.session) === undefined;
  const full = orphaned ? undefined : tooManyFollowed(services, session, job);
  if (full !== undefined) throw full;
  if (orphaned) return heirPlace(services, session, request, job, hold);
  const floor = await floorOf(services, job);
  const truncated = floor > 0;
  const follow = () => session.follow(job.id, "observer", floor, { ...origin, truncated });
  return { follow, begin: () => {}, truncated };
}

/** The session owns the job from now on, and all of its family. */
async function heirPlace(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  job: KnownJob,
  hold: Hold,
): Promise<Place> {
  const isRetry = job.session === session.id;
  const children = await adopt(services, session, request, job);
  const floor = await floorOf(services, job);
  const truncated = floor > 0;
  const untold = await untoldAmong(services, children, truncated ? [job.id] : []);
  const introductions = await Promise.all(
    untold.map(async (row) => {
      hold(row.id);
      return { row, child: await jobOf(services, row) };
    }),
  );
  const follow = (): void => {
    // By then an earlier retry may have made it follow the job. A subscription without history is no such thing (R-7.2-8).
    if (isRetry && session.stream.attachments.knows(job.id)) return;
    inherit(session, job, floor, { request: request.id, head: job.lastSeq });
  };
  const begin = (): void => {
    for (const { row, child } of introductions) {
      if (child !== undefined) introduce(services, session, row, child);
    }
  };
  return { follow, begin, truncated };
}

/**
 * Those of which no record tells that a new owner reads: a client submitted them, or what is read of the job above is not all.
 * @param children each behind the one that it is a child of
 * @param cut jobs that are not read from their beginnings
 */
async function untoldAmong(
  services: Services,
  children: readonly ListedJob[],
  cut: readonly JobId[],
): Promise<readonly ListedJob[]> {
  const untold: ListedJob[] = [];
  const parents = new Set(children.map(({ parent }) => parent));
  const unread = new Set<JobId | undefined>(cut);
  for (const child of children) {
    if (child.request !== undefined || unread.has(child.parent)) {
      untold.push(child);
      unread.add(child.id);
    } else if (parents.has(child.id) && (await floorOf(services, child)) > 0) unread.add(child.id);
  }
  return untold;
}

/** It follows the job already, or has seen its end, or is about to follow it for an earlier submit. */
async function ownPlace(
  services: Services,
  session: Session,
  job: KnownJob,
  origin: Origin,
): Promise<Place> {
  const { attachments } = session.stream;
  const floor = await floorOf(services, job);
  const follow = (): void => {
    if (attachments.has(job.id)) return;
    if (!attachments.knows(job.id)) return inherit(session, job, floor, origin);
    // Whoever has seen its end sees it again (R-7.2-9), also before the job itself knows that to be durable.
    const read = attachments.seen(job.id, "owner") ?? 0;
    session.follow(job.id, "owner", Math.max(job.liveAfter, read - 1), origin);
  };
  return { follow, begin: () => {}, truncated: floor > 0 && !attachments.knows(job.id) };
}

/** The history is an extra: what goes of it before it is read costs a new owner nothing of what is still to come. */
function inherit(session: Session, job: KnownJob, floor: number, origin: Origin): void {
  const { id, lastSeq: seen } = job;
  session.follow(id, "owner", floor, { ...origin, truncated: floor > 0, seen });
}

/** The highest `job_seq` of which the log is no longer kept. */
async function floorOf({ store }: Services, { id }: Pick<KnownJob, "id">): Promise<number> {
  return (await store.logs.read(id, 0, { records: 0, characters: 0 })).floor;
}

/**
 * What told of a delegation may be gone, or may not count: its job is told of all the same.
 * @param child as it was found; while it lives it tells of every moment
 */
function introduce({ jobs }: Services, session: Session, row: ListedJob, child: KnownJob): void {
  if (session.stream.attachments.knows(row.id)) return;
  const { liveAfter, lastSeq: head } = jobs.get(row.id) ?? child;
  // Nothing is skipped of what it watched already.
  const watched = session.stream.attachments.get(row.id)?.cursor;
  const truncated = watched === undefined && liveAfter > 0;
  const acceptance = acceptanceOf(row);
  const payload = { ...acceptance.payload, ...(truncated && { truncated }) };
  session.introduce({ ...acceptance, payload });
  const origin = { head, truncated: liveAfter > 0, seen: liveAfter };
  session.follow(row.id, "owner", Math.min(watched ?? liveAfter, liveAfter), origin);
}

/**
 * One that was broken off left the job to the session, and some of its children to the one that submitted it.
 * @returns what the job has delegated, and what that has: all of it has a new owner now
 */
async function adopt(
  { store, jobs, logger }: Services,
  session: Session,
  request: Envelope<"job.submit">,
  { id, submittedIn, session: owner }: KnownJob,
): Promise<readonly ListedJob[]> {
  const before = owner === session.id ? submittedIn : owner;
  await store.jobs.update(id, { session: session.id, request: request.id, submittedIn });
  // From here on what it delegates belongs to the new owner; what was on its way is in the store by now.
  jobs.get(id)?.family.adopt(session.id);
  const children = await descendants(store, id, [before, session.id]);
  const others = children.filter((row) => row.session !== session.id);
  await Promise.all(
    others.map((row) =>
      store.jobs.update(row.id, { session: session.id, submittedIn: row.submittedIn ?? before }),
    ),
  );
  logger.info({ job: id, session: session.id }, "a job has a new owner");
  return children;
}

/** All that a job has delegated, and what that has, while they belonged to these sessions. */
async function descendants(
  { jobs }: Services["store"],
  root: JobId,
  sessions: readonly SessionId[],
): Promise<readonly ListedJob[]> {
  const delegated: ListedJob[] = [];
  for (const session of new Set(sessions)) {
    for (let after: ListedJob | undefined; ; ) {
      const rows = await jobs.list({ session, limit: 100, ...(after && { after }) });
      delegated.push(...rows.filter(({ parent }) => parent !== undefined));
      after = rows.at(-1);
      if (after === undefined) break;
    }
  }
  // Of two jobs of one moment either may be listed first, so a child may stand in front of its parent.
  const byParent = Map.groupBy(delegated, ({ parent }) => parent);
  const found: ListedJob[] = [];
  for (const above = [root]; above.length > 0; ) {
    const children = byParent.get(above.shift()) ?? [];
    found.push(...children);
    above.push(...children.map(({ id }) => id));
  }
  return found;
}
