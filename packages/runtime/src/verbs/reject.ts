import type { ArcpError, Envelope, ErrorPayload, JobId } from "@arcp/core";
import { names, type Rejected, type Situation } from "../dialect/rejection.ts";
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

/** Says at once that a request is rejected, in the words of whoever is connected (R-5.4-2); nothing else is touched (R-5.4-3). */
export function refuse(
  services: Services,
  session: Session,
  request: Rejected,
  error: ErrorPayload,
): void {
  const situation = situationOf(services, session, request);
  for (const message of session.dialect?.rejection(request, error, situation) ?? []) {
    session.say(message);
  }
}

function situationOf(
  { clock, jobs }: Services,
  { id, stream, submits }: Session,
  { job_id: named }: Rejected,
): Situation {
  const { attachments } = stream;
  // What is still to be repeated may end any of them.
  const repeating = stream.repeated !== Number.POSITIVE_INFINITY;
  const owned = named !== undefined && jobs.get(named)?.session === id;
  const follows = (job: JobId): boolean => repeating || owned || attachments.has(job);
  return {
    now: clock.now(),
    // Only some dialects ask.
    get hasLiveJob() {
      return repeating || [...attachments].some(({ role }) => role === "owner");
    },
    awaitsSubmit: submits.pending,
    follows,
    owns: (job) => follows(job) || attachments.knows(job),
  };
}

/** What the rejection of a message that could be read may have to repeat of it. */
export function rejected({ id, type, job_id, trace_id, payload }: Envelope): Rejected {
  const { job_id: target, agent } = payload as { job_id?: JobId; agent?: unknown };
  return { id, type, ...names(job_id ?? target, trace_id, agent) };
}
