import type { Envelope } from "./envelope.ts";
import { isObject } from "./json.ts";
import { isTimestamp } from "./timestamp.ts";

/**
 * Whether a document is a plain `job.event`: one that the schemas would return unchanged, so that it already is the decoded
 * message. A document that is not plain may still be valid.
 *
 * Streams consist mostly of these, and running the schemas took longer than everything else that a client does with an event. A
 * compiled schema would be as fast, but is too large for a web page.
 */
export function isPlainEvent(
  document: Record<string, unknown>,
): document is Record<string, unknown> & Envelope<"job.event"> {
  if (document["type"] !== "job.event") return false;
  return isPlainEnvelope(document, isPlainPayload);
}

/** Whether the envelope schema would leave every field unchanged, whatever the type, and `isPayload` accepts the payload. */
export function isPlainEnvelope(
  document: Record<string, unknown>,
  isPayload: (payload: Record<string, unknown>) => boolean,
): boolean {
  for (const field in document) {
    if (field === "payload") continue;
    if (!isPlainField(field, document[field])) return false;
  }
  const { payload } = document;
  return "id" in document && "type" in document && isObject(payload) && isPayload(payload);
}

function isPlainField(field: string, value: unknown): boolean {
  switch (field) {
    case "id":
    case "session_id":
    case "job_id":
      return isPlainId(value);
    case "event_seq":
    case "job_seq":
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
    case "type":
    case "arcp":
    case "trace_id":
      return typeof value === "string";
    case "extensions":
      return isObject(value);
    default:
      return false;
  }
}

/** A longer text may still be a valid id, since the schema counts characters, not code units; it is just not plain. */
function isPlainId(value: unknown): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= 128;
}

function isPlainPayload(payload: Record<string, unknown>): boolean {
  for (const field in payload) {
    if (!isPlainPart(field, payload[field])) return false;
  }
  return "kind" in payload && "body" in payload;
}

function isPlainPart(field: string, value: unknown): boolean {
  switch (field) {
    case "kind":
      return typeof value === "string" && value.length > 0;
    case "ts":
      return typeof value === "string" && isTimestamp(value);
    case "body":
      return isObject(value);
    default:
      return false;
  }
}
