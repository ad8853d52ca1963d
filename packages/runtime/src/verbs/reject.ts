import type { ArcpError, JobId, MessageId } from "@arcp/core";
import { wireError } from "../jobs/ending.ts";
import type { Announcement } from "../session/announcement.ts";
import type { Session } from "../session/session.ts";

/** A request that is rejected: its id, as far as it could be read, and the job that it named. */
export interface Rejected {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly job_id?: JobId | undefined;
}

/** The one error that a rejected request gets (R-5.4-2); nothing else is touched (R-5.4-3). */
export function rejection(request: Rejected, error: ArcpError): Announcement {
  return {
    type: "session.error",
    payload: {
      ...wireError(error),
      request_id: request.id as MessageId | undefined,
      job_id: request.job_id,
    },
  };
}

/** Rejects a request that no verb has seen; a submit in its place in the line of submits (R-5.4-5). */
export function reject(session: Session, request: Rejected, error: ArcpError): void {
  const announcement = rejection(request, error);
  const say = (): void => session.say(announcement);
  // The replies before it may wait for a commit (R-5.4-5).
  if (request.type === "job.submit") void session.submits.reject(() => session.change(say));
  else say();
}
