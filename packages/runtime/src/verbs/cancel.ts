import { ArcpError, isTerminal, type TerminalStatus } from "@arcp/core";
import type { KnownJob } from "../jobs/known-job.ts";
import type { Session } from "../session/session.ts";
import type { Services, Verb } from "./services.ts";
import { jobNotFound, namedJob, observableJob } from "./target.ts";

/** Acknowledges a cancel once it is durable, before the job's end (R-7.4-1). */
export const cancel: Verb<"job.cancel"> = async (services, { session }, request) => {
  const { reason } = request.payload;
  const id = namedJob(request);
  await session.submits.unsaid.said(id);
  const job = await observableJob(services, session.principal, id);
  if (!mayCancel(services, session, job)) {
    throw new ArcpError("PERMISSION_DENIED", "only the session that submitted a job may cancel it");
  }
  const acknowledge = (finished: TerminalStatus | undefined): void =>
    session.say({
      type: "job.cancelled",
      job_id: job.id,
      trace_id: job.traceId,
      payload: { request_id: request.id, job_id: job.id, reason, current_status: finished },
    });
  const live = services.jobs.get(job.id);
  if (live !== undefined) await live.life.cancel({ reason }, acknowledge);
  else if (isTerminal(job.status)) acknowledge(job.status);
  else throw services.jobs.refusal(job.id) ?? jobNotFound();
  services.logger.info({ job: job.id, principal: session.principal }, "job cancelled");
};

/** The owner may, and any session of the submitter once the owning session is gone (R-7.4-7); also for a finished job. */
function mayCancel({ sessions }: Services, session: Session, job: KnownJob): boolean {
  if (job.session === session.id) return true;
  return job.principal === session.principal && sessions.get(job.session) === undefined;
}
