import { ArcpError, type Envelope } from "@arcp/core";
import type { Job } from "../jobs/job.ts";
import type { House, Verb } from "./house.ts";
import { namedJob, observableJob } from "./target.ts";

/**
 * Attaches the session to a job, live or with history. The acknowledgement stands in front of everything that the
 * subscription delivers, and the attachment begins right behind it (R-7.6-3).
 */
export const subscribe: Verb<"job.subscribe"> = async (house, { session }, request) => {
  const job = observableJob(house, session.principal, namedJob(request));
  const history = request.payload.history === true;
  const from = history ? await historyStart(house, job, request) : undefined;
  if (!job.live) await job.ended;
  const { floor } = await house.store.logs.read(job.id, 0, { records: 0, characters: 0 });
  session.change(() => {
    const head = job.lastSeq;
    const after = Math.min(Math.max(from ?? job.liveAfter, floor), head);
    const { agent, traceId } = job.identity;
    session.say({
      type: "job.subscribed",
      job_id: job.id,
      trace_id: traceId,
      payload: {
        request_id: request.id,
        job_id: job.id,
        current_status: job.status,
        agent,
        lease: job.lease.json,
        ...(job.lease.budget.size > 0 ? { budget: job.budget.toJSON() } : {}),
        parent_job_id: null,
        trace_id: traceId,
        subscribed_from: session.stream.issued,
        replayed: history && after < head,
        ...(from !== undefined && from < floor ? { truncated: true } : {}),
        last_job_seq: head,
      },
    });
    const followed = session.stream.attachments.get(job.id);
    // Who follows the job already goes on, and with history begins anew: nothing is told twice (R-7.6-7).
    if (followed !== undefined && !history) return;
    const role = job.identity.session === session.id ? "owner" : "observer";
    session.follow(job.id, role, after, request.id);
  });
  house.logger.info({ job: job.id, principal: session.principal }, "job subscribed");
};

/** The `job_seq` behind which the history begins, in the job's own numbers. */
async function historyStart(
  { sessions }: House,
  { id, identity }: Job,
  { payload }: Envelope<"job.subscribe">,
): Promise<number> {
  if (payload.from_job_seq !== undefined) return payload.from_job_seq;
  if (payload.from_event_seq === undefined) return 0;
  const owner = sessions.get(identity.session)?.stream;
  if (owner === undefined) {
    throw new ArcpError(
      "INVALID_REQUEST",
      "payload.from_event_seq: the submitting session is gone",
    );
  }
  return owner.journal.reached(id, payload.from_event_seq, owner.issued);
}
