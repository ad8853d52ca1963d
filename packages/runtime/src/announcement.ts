import {
  type JobId,
  type MessageId,
  newMessageId,
  PROTOCOL_VERSION,
  type RuntimeMessageType,
  type SessionId,
} from "@arcp/core";

/** An unnumbered message as the runtime says it; whoever sends it adds the ids. */
export interface Announcement {
  readonly type: RuntimeMessageType;
  /** Of the message, where it is not a fresh one. */
  readonly id?: MessageId;
  readonly job_id?: JobId;
  readonly trace_id?: string;
  readonly payload: object;
}

/** Writes the frame of an announcement. Undefined fields are left out (R-5.2-1). */
export function announce(session: SessionId | undefined, message: Announcement): string {
  return JSON.stringify({
    arcp: PROTOCOL_VERSION,
    id: newMessageId(),
    session_id: session,
    ...message,
  });
}
