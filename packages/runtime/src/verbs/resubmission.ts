import { ArcpError, type Envelope, type JobId } from "@arcp/core";
import { acceptanceOf } from "../jobs/acceptance.ts";
import type { UsedKey } from "../jobs/admission.ts";
import { jobDamaged } from "../jobs/ending.ts";
import { checkEnd, jobOf } from "../jobs/finished-job.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import { headOf } from "../jobs/log-tail.ts";
import type { Origin } from "../session/attachments.ts";
import type { Session } from "../session/session.ts";
import type { SubmitReply } from "../session/submit-log.ts";
import { DamagedRow } from "../store/damage.ts";
import type { JobRow } from "../store/index.ts";
import { adopt } from "./adoption.ts";
import type { Services } from "./services.ts";
import { tooManyFollowed } from "./subscribe.ts";

type Accepted = Extract<SubmitReply, { readonly kind: "accepted" }>;

/**
 * Replies to a submit whose key belongs to a job: repeats the acceptance of that job (R-7.2-3), which the session follows from then
 * on (R-7.2-8).
 * @returns undefined if the key is free
 * @throws ArcpError `DUPLICATE_KEY` if the key was used for something else (R-7.2-4), `JOB_NOT_FOUND` if that job is damaged; it
 *   must not run twice
 */
export async function resubmission(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  { key, fingerprint }: UsedKey,
): Promise<Accepted | undefined> {
  const { store, jobs } = services;
  const record = await store.idempotency.get(session.principal, key);
  const row = record && (await rowOf(services, record.job));
  if (record === undefined) return undefined;
  if (row === undefined) {
    await checkUnknown(services, record.job);
    return undefined;
  }
  // The reply waits for those to earlier submits. Keep the job until then, even if its retention ends.
  const release = jobs.expect(row.id);
  let reply: Accepted | undefined;
  try {
    if ((await jobOf(services, row)) === undefined) return undefined;
    if (record.fingerprint !== fingerprint) {
      throw new ArcpError(
        "DUPLICATE_KEY",
        "payload.idempotency_key: was used before with other parameters",
      );
    }
    reply = await acceptedAgain(services, session, request, row);
    return reply && { ...reply, release };
  } finally {
    if (reply === undefined) release();
  }
}

/** @throws ArcpError `JOB_NOT_FOUND` if the row is damaged */
export async function rowOf({ store }: Services, id: JobId): Promise<JobRow | undefined> {
  try {
    return await store.jobs.get(id);
  } catch (error) {
    throw error instanceof DamagedRow ? jobDamaged(id, error) : error;
  }
}

/**
 * A removed job leaves no key behind, and a log is only created after its row: if the job of a key has a log, its row is lost.
 * @throws ArcpError `JOB_NOT_FOUND` in that case
 */
async function checkUnknown({ store }: Services, id: JobId): Promise<void> {
  if ((await headOf(id, store.logs)) > 0) throw jobDamaged(id);
}

/** @returns undefined if the job is gone */
async function acceptedAgain(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  row: JobRow,
): Promise<Accepted | undefined> {
  const { jobs } = services;
  await jobs.get(row.id)?.life.settled();
  // Read again, because it may have ended meanwhile.
  const job = await jobOf(services, (await rowOf(services, row.id)) ?? row);
  if (job === undefined) return undefined;
  // The original submit, repeated: its client does not ask for the job's end again.
  const isSame = row.session === session.id && row.request === request.id;
  const { follow, truncated } = await place(services, session, request, job, isSame);
  const announcement = acceptanceOf({ ...row, request: request.id }, truncated);
  return { kind: "accepted", announcement, follow };
}

interface Place {
  /** Attaches the session to the job, or throws why it may not. */
  readonly follow: () => void;
  /** Whether older history is missing (P3). */
  readonly truncated: boolean;
}

/** Makes the session the owner if the former one is gone. @returns how the session begins to follow the job */
async function place(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  job: KnownJob,
  isSame: boolean,
): Promise<Place> {
  const origin = { request: request.id, head: job.lastSeq };
  if (job.session === session.id) return ownPlace(services, session, job, origin, isSame);
  // In the queue of subscriptions, for three reasons: an unsubscribe that is on its way makes room; the owner may vanish while this
  // waits; and a later subscribe finds the whole family adopted.
  const orphaned = await session.subscriptions.run(async () => {
    if (services.sessions.get(job.session) !== undefined) return false;
    await adopt(services, session, request.id, job);
    return true;
  });
  const floor = await floorOf(services, job);
  const truncated = floor > 0;
  // A new owner gets the whole history, whatever it requested meanwhile (R-7.2-8).
  if (orphaned) return { follow: () => inherit(session, job, floor, origin), truncated };
  const follow = (): void => {
    // Checked only now: submits sent at the same time have taken their places.
    const full = tooManyFollowed(services, session, job);
    if (full !== undefined) throw full;
    session.follow(job.id, "observer", floor, { ...origin, truncated });
  };
  return { follow, truncated };
}

/** The session follows the job already, or has seen its end, or is about to follow it because of an earlier submit. */
async function ownPlace(
  services: Services,
  session: Session,
  job: KnownJob,
  origin: Origin,
  isSame: boolean,
): Promise<Place> {
  const { attachments } = session.stream;
  // If the session adopted the job and does not know it, the adoption was interrupted before the session followed it.
  const request = attachments.knows(job.id) ? undefined : origin.request;
  const isHeir = job.submittedIn !== session.id;
  const isJoined = isHeir && (await adopt(services, session, request, job));
  // Of the children, the session knows only those that it owned at that time.
  const again = isJoined ? { ...origin, introduced: 0 } : origin;
  const floor = await floorOf(services, job);
  const follow = (): void => {
    const attachment = attachments.get(job.id);
    if (!attachments.knows(job.id)) return inherit(session, job, floor, origin);
    if (attachment !== undefined) {
      if (isJoined) session.follow(job.id, "owner", attachment.cursor, again);
      return;
    }
    if (isSame && !isJoined) return;
    // A session that has seen the job's end sees it again (R-7.2-9), even before the job itself knows that the end is durable.
    const read = attachments.seen(job.id, "owner") ?? 0;
    session.follow(job.id, "owner", Math.max(job.liveAfter, read - 1), again);
  };
  return { follow, truncated: floor > 0 && !attachments.knows(job.id) };
}

/**
 * The history is optional: if part of it is trimmed before a new owner has read it, the owner still gets everything that follows.
 */
function inherit(session: Session, job: KnownJob, floor: number, origin: Origin): void {
  const { id, lastSeq: seen } = job;
  session.follow(id, "owner", floor, { ...origin, truncated: floor > 0, seen });
}

/** The highest `job_seq` that the log no longer holds. */
async function floorOf({ store }: Services, job: KnownJob): Promise<number> {
  const page = await store.logs.read(job.id, 0, { records: 0, characters: 0 });
  checkEnd(job, page);
  return page.floor;
}
