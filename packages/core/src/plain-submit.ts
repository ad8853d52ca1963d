import type { Envelope } from "./envelope.ts";
import { isObject } from "./json.ts";
import { isPlainEnvelope } from "./plain-event.ts";

/**
 * Whether a document is a plain `job.submit`: one that the schemas would return unchanged, so that it already is the decoded
 * message. A document that is not plain may still be valid: one with a lease is never plain, and goes through the schemas.
 *
 * Most requests are plain submits, and running the schemas took a tenth of all the work on one.
 */
export function isPlainSubmit(
  document: Record<string, unknown>,
): document is Record<string, unknown> & Envelope<"job.submit"> {
  return document["type"] === "job.submit" && isPlainEnvelope(document, isPlainPayload);
}

function isPlainPayload(payload: Record<string, unknown>): boolean {
  for (const field in payload) {
    if (!isPlainPart(field, payload[field])) return false;
  }
  // The schema replaces a missing input by null.
  return "agent" in payload && "input" in payload;
}

function isPlainPart(field: string, value: unknown): boolean {
  switch (field) {
    case "agent":
      return typeof value === "string";
    case "input":
      return true;
    case "idempotency_key":
      return typeof value === "string" && value.length > 0 && value.length <= 256;
    case "max_runtime_sec":
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
    case "extensions":
      return isObject(value);
    default:
      return false;
  }
}
