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
 * Attaches the session to a job, live or with history, and says so once that is durable. The acknowledgement stands in
 * front of everything that the subscription delivers, and the delivery begins right behind it (R-7.6-3).
 */
export const subscribe: Verb<"job.subscribe"> = async (services, { session }, request) => {
  const id = namedJob(request);
  // Outside of that line, in which a submit may have to wait as well.
  const said = session.submits.unsaid.said(id);
  if (said !== undefined) await said;
  // The next one is attached behind this one, and need not wait for its answer.
  const { answered } = await session.subscriptions.run(async () => {
    await session.pressure;
    const live = services.jobs.get(id);
    // Nobody else learns from this that there is such a job.
    if (live && mayObserve(services, session.principal, live)) await live.life.settled();
    const job = await observableJob(services, session.principal, id);
    const start = await startOf(services, session, job, request);
    return { answered: confirm(services, session, job, request, start) };
  });
  await answered;
  services.logger.info({ job: id, principal: session.principal }, "job subscribed");
};

/** @param job as it was found; while it lives it tells of every moment */
function confirm(
  services: Services,
  session: Session,
  job: KnownJob,
  request: Subscribe,
  start: Start,
): Promise<void> {
  const { id } = job;
  // Its time may have come to an end since it was found; from here on it is kept.
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

/** The refusal of one subscription more than a session may have (R-14-2); what it follows or owns costs it nothing. */
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
  /** The `job_seq` behind which the delivery begins; undefined for what is live. */
  readonly from: number | undefined;
  /** The highest `job_seq` that is no longer kept. */
  readonly floor: number;
  /** Whether the history holds anything that this viewer may see. */
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
    // It was removed since it was found.
    if (page.head < job.lastSeq) throw jobNotFound();
    const visible = page.records.some((record) => isVisible(record, viewer));
    for (const { long } of page.records) long?.giveBack();
    cursor = Math.max(cursor, page.floor) + page.records.length;
    if (visible || cursor >= page.head) return { from, floor: page.floor, visible };
    // A long history of which the viewer may see nothing must not keep the others waiting (J4).
    await turn.spend("answering", page.records.length);
  }
}

/** @returns what it follows from now on; undefined where it goes on as it was */
function follow(
  session: Session,
  job: KnownJob,
  request: Subscribe,
  { from, floor }: Start,
  lineage: Lineage,
): Attachment | undefined {
  const role = roleOf(session, job);
  const followed = session.stream.attachments.get(job.id);
  // Who follows the job already goes on, and with history begins anew: nothing is told twice (R-7.6-7).
  if (followed !== undefined && from === undefined) return undefined;
  // What its owner has still to learn of it follows from its first record on, behind the one that tells of it (R-10-2).
  const isOwn = job.session === session.id;
  if (isOwn && session.stream.attachments.awaits(job.id, lineage)) return undefined;
  // Whoever follows the job already may lag behind: nothing of what it has still to see is skipped.
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
  // The job went on while this was stored, and what is live begins here (R-7.6-6). What is stored begins no later.
  if (session.stream.attachments.get(job.id) !== begun) return;
  session.follow(job.id, begun.role, job.liveAfter, { request: request.id, head: job.lastSeq });
}

/**
 * Fixed by who submitted the job, however often the session attaches to it (P2). An heir that does not follow the job as its own
 * yet, since its adoption was broken off or is still under way, only watches: all of the history is due to it (R-7.2-8).
 */
function roleOf({ id, stream }: Session, job: KnownJob): Role {
  const knows = job.submittedIn === id || stream.attachments.knows(job.id);
  return job.session === id && knows ? "owner" : "observer";
}

/** The `job_seq` behind which the history begins, in the job's own numbers. */
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
