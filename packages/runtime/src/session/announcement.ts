import {
  type JobId,
  newMessageId,
  PROTOCOL_VERSION,
  type RuntimeMessageType,
  type SessionId,
} from "@arcp/core";

/** An unnumbered message as the runtime says it; the session adds the ids. */
export interface Announcement {
  readonly type: RuntimeMessageType;
  readonly job_id?: JobId;
  readonly trace_id?: string;
  readonly payload: object;
}

/** The acceptance of a job that its owner did not ask for: another job delegated it. */
export type Introduction = Announcement & { readonly job_id: JobId };

/** Writes the frame of an announcement. Undefined fields are left out (R-5.2-1). */
export function announce(session: SessionId | undefined, message: Announcement): string {
  return JSON.stringify({
    arcp: PROTOCOL_VERSION,
    id: newMessageId(),
    session_id: session,
    ...message,
  });
}
