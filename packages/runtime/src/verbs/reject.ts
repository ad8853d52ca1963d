import type { ArcpError, ErrorPayload, JobId } from "@arcp/core";
import type { Rejected, Situation } from "../dialect/rejection.ts";
import { wireError } from "../jobs/ending.ts";
import type { Session } from "../session/session.ts";
import type { Services } from "./services.ts";

/**
 * Rejects a request before it reaches a verb. A submit is rejected in the order of the submits (R-5.4-5).
 * @returns a promise that resolves once the rejection is sent; undefined if it is sent already
 */
export function reject(
  services: Services,
  session: Session,
  request: Rejected,
  error: ArcpError,
): Promise<void> | undefined {
  const say = (): void => refuse(services, session, request, wireError(error));
  // If a batch is being built, the rejection waits until that is handed over, like the replies to earlier submits.
  if (request.type === "job.submit") return session.submits.reject(() => session.change(say));
  say();
  return undefined;
}

/** Sends a rejection immediately, in the dialect of the connected client (R-5.4-2). Has no other effect (R-5.4-3). */
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
  // A replay in progress may still deliver the end of any job.
  const repeating = stream.repeated !== Number.POSITIVE_INFINITY;
  const owned = named !== undefined && jobs.get(named)?.session === id;
  const follows = (job: JobId): boolean => repeating || owned || attachments.has(job);
  return {
    now: clock.now(),
    // A getter, because only some dialects need it.
    get hasLiveJob() {
      return repeating || [...attachments].some(({ role }) => role === "owner");
    },
    awaitsSubmit: submits.pending,
    follows,
    owns: (job) => follows(job) || attachments.knows(job),
  };
}
