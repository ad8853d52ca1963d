import type { ArcpError, JobId, MessageId } from "@arcp/core";
import type { Session } from "../session/session.ts";

/** A request that is rejected: its id, as far as it could be read, and the job that it named. */
export interface Rejected {
  readonly id?: string | undefined;
  readonly job_id?: JobId | undefined;
}

/** Answers a request with the one error that it gets (R-5.4-2); nothing else is touched (R-5.4-3). */
export function reject(session: Session, request: Rejected, error: ArcpError): void {
  session.say({
    type: "session.error",
    payload: {
      ...error.toPayload(),
      request_id: request.id as MessageId | undefined,
      job_id: request.job_id,
    },
  });
}
