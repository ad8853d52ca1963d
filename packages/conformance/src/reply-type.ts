import type { Envelope, MessageType } from "@arcp/core";

/** The requests and the message that grants each of them; `session.error` refuses any (R-5.4-1). */
export const replyTypes = {
  "job.submit": "job.accepted",
  "job.cancel": "job.cancelled",
  "job.subscribe": "job.subscribed",
  "session.list_jobs": "session.jobs",
  "session.close": "session.closed",
} as const satisfies Partial<Record<MessageType, MessageType>>;

/** The type of a message that is answered. */
export type RequestType = keyof typeof replyTypes;
/** The type of the message that grants a request. */
export type ReplyType<T extends RequestType> = (typeof replyTypes)[T];
/** The envelope that grants a request. */
export type ReplyTo<T extends RequestType> = Extract<Envelope, { type: ReplyType<T> }>;

export function isRequestType(type: string): type is RequestType {
  return Object.hasOwn(replyTypes, type);
}

/** Whether the envelope grants the request with this id. */
export function isReplyTo<T extends RequestType>(
  type: T,
  id: string,
  envelope: Envelope,
): envelope is ReplyTo<T> {
  return (
    envelope.type === replyTypes[type] &&
    "request_id" in envelope.payload &&
    envelope.payload.request_id === id
  );
}

/** Whether the envelope refuses the request with this id. */
export function isRefusalOf(id: string, envelope: Envelope): envelope is Envelope<"session.error"> {
  return envelope.type === "session.error" && envelope.payload.request_id === id;
}
