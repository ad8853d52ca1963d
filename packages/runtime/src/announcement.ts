import {
  type JobId,
  type MessageId,
  newMessageId,
  PROTOCOL_VERSION,
  type RuntimeMessageType,
  type SessionId,
} from "@arcp/core";

/** A message without an `event_seq`, before its envelope fields are added: the sender adds the ids. */
export interface Announcement {
  readonly type: RuntimeMessageType;
  /** The message id, if the caller has already chosen one. */
  readonly id?: MessageId;
  readonly job_id?: JobId;
  readonly trace_id?: string;
  readonly payload: object;
}

/** Serializes an announcement as a frame. Undefined fields are left out (R-5.2-1). */
export function announce(session: SessionId | undefined, message: Announcement): string {
  return JSON.stringify({
    arcp: PROTOCOL_VERSION,
    id: newMessageId(),
    session_id: session,
    ...message,
  });
}
