import { ArcpError, type Envelope } from "@arcp/core";
import { constraintsOf } from "../jobs/acceptance.ts";
import { checkEnd } from "../jobs/finished-job.ts";
import type { KnownJob } from "../jobs/known-job.ts";
import type { Lineage } from "../lineage.ts";
import type { Attachment } from "../session/attachment.ts";
import type { Session } from "../session/session.ts";
import { isVisible } from "../session/view.ts";
import type { Role } from "../store/index.ts";
import { numberingOf } from "./numbering.ts";
import type { Services, Verb } from "./services.ts";
import { jobNotFound, mayObserve, namedJob, observableJob } from "./target.ts";

type Subscribe = Envelope<"job.subscribe">;

/**
 * Attaches the session to a job, live or with history, and acknowledges it once that is durable. The acknowledgement precedes
 * everything that the subscription delivers, and the delivery begins directly after it (R-7.6-3).
 */
export const subscribe: Verb<"job.subscribe"> = async (services, { session }, request) => {
  const id = namedJob(request);
  // Outside the queue of subscriptions, because a submit may have to wait in that queue as well.
  const said = session.submits.unsaid.said(id);
  if (said !== undefined) await said;
  // The next subscribe only needs to attach after this one, not to wait for its reply.
  const { answered } = await session.subscriptions.run(async () => {
    await session.pressure;
    const live = services.jobs.get(id);
    // Waits only on behalf of those who may observe the job: for others, the delay would reveal that it exists.
    if (live && mayObserve(services, session.principal, live)) await live.life.settled();
    const job = await observableJob(services, session.principal, id);
    const start = await startOf(services, session, job, request);
    return { answered: confirm(services, session, job, request, start) };
  });
  await answered;
  services.logger.info({ job: id, principal: session.principal }, "job subscribed");
};

/** @param job as it was found; if it is live, its current state is used instead */
function confirm(
  services: Services,
  session: Session,
  job: KnownJob,
  request: Subscribe,
  start: Start,
): Promise<void> {
  const { id } = job;
  // Its retention may have ended since it was found; from here on it is kept.
  const isLeaving = services.jobs.isLeaving(id);
  const release = services.jobs.expect(id);
  let begun: Attachment | undefined;
  const confirmed = session.confirm(
    id,
    () => {
      const known = services.jobs.get(id) ?? job;
      const refusal = isLeaving ? jobNotFound() : tooManyFollowed(services, session, known);
      if (refusal !== undefined) throw refusal;
      const lineage = services.jobs.get(id)?.lineage ?? [];
      begun = follow(session, known, request, start, lineage);
    },
    () => acknowledge(session, services.jobs.get(id) ?? job, request, start, begun),
  );
  return confirmed.finally(release);
}

/** The refusal of one subscription too many (R-14-2). Jobs that the session owns or follows already do not count as new ones. */
export function tooManyFollowed(
  { limits }: Pick<Services, "limits">,
  { id, stream }: Session,
  job: Pick<KnownJob, "id" | "session">,
): ArcpError | undefined {
  if (job.session === id || stream.attachments.has(job.id)) return undefined;
  if (stream.attachments.observed < limits.subscriptionsPerSession) return undefined;
  return new ArcpError(
    "INTERNAL_ERROR",
    "this session already follows the maximum number of jobs",
    {
      retryable: true,
      details: { reason: "subscriptions_per_session" },
    },
  );
}

interface Start {
  /** The `job_seq` after which the delivery begins; undefined for live records only. */
  readonly from: number | undefined;
  /** The highest `job_seq` that is no longer kept. */
  readonly floor: number;
  /** Whether the history contains anything that this viewer may see. */
  readonly visible: boolean;
}

async function startOf(
  services: Services,
  session: Session,
  job: KnownJob,
  request: Subscribe,
): Promise<Start> {
  const { logs } = services.store;
  const { turn } = services.committer;
  if (request.payload.history !== true) return { from: undefined, floor: 0, visible: false };
  const from = await historyStart(services, job, request);
  const viewer = { features: session.features, role: roleOf(session, job) };
  for (let cursor = from; ; ) {
    const page = await logs.read(job.id, cursor, { records: 256, characters: 256 * 1024 });
    checkEnd(job, page);
    // The job was removed since it was found.
    if (page.head < job.lastSeq) throw jobNotFound();
    const visible = page.records.some((record) => isVisible(record, viewer));
    for (const { long } of page.records) long?.giveBack();
    cursor = Math.max(cursor, page.floor) + page.records.length;
    if (visible || cursor >= page.head) return { from, floor: page.floor, visible };
    // A long history without visible records must not hold up others (J4).
    await turn.spend("answering", page.records.length);
  }
}

/** @returns the new attachment; undefined if things stay as they are */
function follow(
  session: Session,
  job: KnownJob,
  request: Subscribe,
  { from, floor }: Start,
  lineage: Lineage,
): Attachment | undefined {
  const role = roleOf(session, job);
  const followed = session.stream.attachments.get(job.id);
  // An existing attachment continues; a request for history restarts it. Nothing is delivered twice (R-7.6-7).
  if (followed !== undefined && from === undefined) return undefined;
  // An owner that has yet to learn of the job follows it from its first record on, after the record that announces it (R-10-2).
  const isOwn = job.session === session.id;
  if (isOwn && session.stream.attachments.awaits(job.id, lineage)) return undefined;
  // An existing attachment may lag behind: do not skip what it has yet to deliver.
  const latest = Math.min(job.liveAfter, followed?.cursor ?? Number.POSITIVE_INFINITY);
  const after = Math.min(Math.max(from ?? latest, floor), latest);
  const truncated = from !== undefined && from < floor;
  session.follow(job.id, role, after, { request: request.id, head: job.lastSeq, truncated });
  return session.stream.attachments.get(job.id);
}

function acknowledge(
  session: Session,
  job: KnownJob,
  request: Subscribe,
  { from, floor, visible }: Start,
  begun: Attachment | undefined,
): void {
  const { agent, traceId, remaining } = job;
  session.say({
    type: "job.subscribed",
    job_id: job.id,
    trace_id: traceId,
    payload: {
      request_id: request.id,
      job_id: job.id,
      current_status: job.status,
      agent,
      lease: job.lease,
      lease_constraints: constraintsOf(job),
      budget: remaining,
      parent_job_id: job.parent ?? null,
      trace_id: traceId,
      subscribed_from: session.stream.issued,
      replayed: visible,
      ...(from !== undefined && from < floor ? { truncated: true } : {}),
      last_job_seq: job.lastSeq,
    },
  });
  if (begun === undefined || from !== undefined || job.liveAfter <= begun.cursor) return;
  // The job continued while the attachment was being stored, and live delivery begins here (R-7.6-6). The stored position is at
  // most this one.
  if (session.stream.attachments.get(job.id) !== begun) return;
  session.skip(begun, job.liveAfter, { request: request.id, head: job.lastSeq });
}

/**
 * The role depends on who submitted the job, however often the session attaches to it (P2). A new owner whose adoption was
 * interrupted, or is still in progress, does not follow the job as its own yet and only watches, so that it still gets the whole
 * history as its owner (R-7.2-8).
 */
function roleOf({ id, stream }: Session, job: KnownJob): Role {
  const knows = job.submittedIn === id || stream.attachments.knows(job.id);
  return job.session === id && knows ? "owner" : "observer";
}

/** The `job_seq` after which the history begins. */
async function historyStart(
  services: Services,
  { id, submittedIn, lastSeq }: KnownJob,
  { payload }: Subscribe,
): Promise<number> {
  const { from_job_seq: jobSeq, from_event_seq: eventSeq } = payload;
  if (jobSeq !== undefined) return jobSeq;
  if (eventSeq === undefined) return 0;
  const numbering = await numberingOf(services, submittedIn);
  return Math.min(lastSeq, numbering.reached(id, eventSeq));
}
