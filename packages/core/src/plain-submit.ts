import type { Envelope } from "./envelope.ts";
import { isObject } from "./json.ts";
import { isPlainEnvelope } from "./plain-event.ts";

/**
 * Whether a document is a plain `job.submit`: one of which the schemas would drop, rewrite and refuse nothing, so that it is
 * the message as it stands. What is not plain may be valid all the same: one with a lease never is, and goes to the schemas.
 *
 * It is what most requests are, and asking the schemas took a tenth of all the work on one.
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
  // Where it is missing the schema puts null.
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
