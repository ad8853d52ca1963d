import type { ArcpError, Envelope, ErrorPayload, JobId } from "@arcp/core";
import { names, type Rejected } from "../dialect/rejection.ts";
import { wireError } from "../jobs/ending.ts";
import type { Session } from "../session/session.ts";
import type { Services } from "./services.ts";

/**
 * Rejects a request that no verb has seen; a submit in its place in the line of submits (R-5.4-5).
 * @returns once that is said; undefined when it is
 */
export function reject(
  services: Services,
  session: Session,
  request: Rejected,
  error: ArcpError,
): Promise<void> | undefined {
  const say = (): void => refuse(services, session, request, wireError(error));
  // Beside a batch that is being built it has no answer until that is handed over, like those before it.
  if (request.type === "job.submit") return session.submits.reject(() => session.change(say));
  say();
  return undefined;
}

/** Says at once that a request is rejected (R-5.4-2); nothing else is touched (R-5.4-3). */
export function refuse(
  { clock, jobs }: Services,
  session: Session,
  request: Rejected,
  error: ErrorPayload,
): void {
  const { job_id: job } = request;
  const owned = job !== undefined && jobs.get(job)?.session === session.id;
  session.reject(request, error, { now: clock.now(), owned });
}

/** What the rejection of a message that could be read may have to repeat of it. */
export function rejected({ id, type, job_id, trace_id, payload }: Envelope): Rejected {
  const { job_id: target, agent } = payload as { job_id?: JobId; agent?: unknown };
  return { id, type, ...names(job_id ?? target, trace_id, agent) };
}
