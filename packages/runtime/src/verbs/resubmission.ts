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
 * The reply to a submit whose key has a job: the acceptance of that job once more (R-7.2-3), which the session follows
 * from then on (R-7.2-8).
 * @returns undefined when the key is free
 * @throws ArcpError `DUPLICATE_KEY` when the key was used for something else (R-7.2-4), `JOB_NOT_FOUND` when what is kept of that
 *   job is damaged: it is not run once more
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
  // The reply waits for those of earlier submits, and nothing comes of a job whose time is up meanwhile.
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

/** @throws ArcpError `JOB_NOT_FOUND` when it is damaged */
export async function rowOf({ store }: Services, id: JobId): Promise<JobRow | undefined> {
  try {
    return await store.jobs.get(id);
  } catch (error) {
    throw error instanceof DamagedRow ? jobDamaged(id, error) : error;
  }
}

/** A key outlives no removed job, and no job has a log before it has a row. @throws ArcpError `JOB_NOT_FOUND` when its row is lost */
async function checkUnknown({ store }: Services, id: JobId): Promise<void> {
  if ((await headOf(id, store.logs)) > 0) throw jobDamaged(id);
}

/** @returns undefined when the job is gone */
async function acceptedAgain(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  row: JobRow,
): Promise<Accepted | undefined> {
  const { jobs } = services;
  await jobs.get(row.id)?.life.settled();
  // What it has become by now.
  const job = await jobOf(services, (await rowOf(services, row.id)) ?? row);
  if (job === undefined) return undefined;
  // It is the submit that the job was accepted for, sent once more: its client asks for nothing again.
  const isSame = row.session === session.id && row.request === request.id;
  const { follow, truncated } = await place(services, session, request, job, isSame);
  const announcement = acceptanceOf({ ...row, request: request.id }, truncated);
  return { kind: "accepted", announcement, follow };
}

interface Place {
  /** Lets the session follow the job, or throws why it may not. */
  readonly follow: () => void;
  /** Whether older history is missing (P3). */
  readonly truncated: boolean;
}

/** Makes the session the owner if there is none any more. @returns how the session comes to follow the job */
async function place(
  services: Services,
  session: Session,
  request: Envelope<"job.submit">,
  job: KnownJob,
  isSame: boolean,
): Promise<Place> {
  const origin = { request: request.id, head: job.lastSeq };
  if (job.session === session.id) return ownPlace(services, session, job, origin, isSame);
  // What the session has left before makes room, also while that is still on its way. The owner may go meanwhile. And who
  // subscribes behind this finds all of the family to be the session's.
  const orphaned = await session.subscriptions.run(async () => {
    if (services.sessions.get(job.session) !== undefined) return false;
    await adopt(services, session, request.id, job);
    return true;
  });
  const floor = await floorOf(services, job);
  const truncated = floor > 0;
  // An heir gets all of the history, whatever it asked for meanwhile (R-7.2-8).
  if (orphaned) return { follow: () => inherit(session, job, floor, origin), truncated };
  const follow = (): void => {
    // Those that were asked for beside it have their places by now.
    const full = tooManyFollowed(services, session, job);
    if (full !== undefined) throw full;
    session.follow(job.id, "observer", floor, { ...origin, truncated });
  };
  return { follow, truncated };
}

/** It follows the job already, or has seen its end, or is about to follow it for an earlier submit. */
async function ownPlace(
  services: Services,
  session: Session,
  job: KnownJob,
  origin: Origin,
  isSame: boolean,
): Promise<Place> {
  const { attachments } = session.stream;
  // What it adopted and does not know, it was about to follow when the adoption was broken off.
  const request = attachments.knows(job.id) ? undefined : origin.request;
  const isHeir = job.submittedIn !== session.id;
  const isJoined = isHeir && (await adopt(services, session, request, job));
  // It has come across those that it owned by then.
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
    // Whoever has seen its end sees it again (R-7.2-9), also before the job itself knows that to be durable.
    const read = attachments.seen(job.id, "owner") ?? 0;
    session.follow(job.id, "owner", Math.max(job.liveAfter, read - 1), again);
  };
  return { follow, truncated: floor > 0 && !attachments.knows(job.id) };
}

/** The history is an extra: what goes of it before it is read costs a new owner nothing of what is still to come. */
function inherit(session: Session, job: KnownJob, floor: number, origin: Origin): void {
  const { id, lastSeq: seen } = job;
  session.follow(id, "owner", floor, { ...origin, truncated: floor > 0, seen });
}

/** The highest `job_seq` of which the log is no longer kept. */
async function floorOf({ store }: Services, job: KnownJob): Promise<number> {
  const page = await store.logs.read(job.id, 0, { records: 0, characters: 0 });
  checkEnd(job, page);
  return page.floor;
}
