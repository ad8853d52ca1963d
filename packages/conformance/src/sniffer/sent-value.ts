import { isEventKind } from "@arcp/core";
import { isJsonObject, type JsonObject } from "../json-object.ts";
import type { Report } from "./violation.ts";

/** What agents and vendors put into a message is theirs: any value, in any form. */
const opaque = new Set([
  "input",
  "result",
  "output",
  "args",
  "attributes",
  "details",
  "extensions",
]);

const nullable: Readonly<Record<string, readonly string[]>> = {
  "session.jobs": ["next_cursor", "parent_job_id"],
  "job.subscribed": ["parent_job_id"],
};

const UTC_MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const times: Readonly<Record<string, RegExp>> = {
  ts: UTC_MILLISECONDS,
  sent_at: UTC_MILLISECONDS,
  received_at: UTC_MILLISECONDS,
  accepted_at: UTC_MILLISECONDS,
  created_at: UTC_MILLISECONDS,
  created_after: UTC_MILLISECONDS,
  created_before: UTC_MILLISECONDS,
  // Its form has rules of its own and keeps the submitter's precision (R-9.5-1).
  expires_at: UTC,
};

/** Checks that nothing absent is written as `null` and that times have the form for senders. */
export function checkSentValues(raw: JsonObject, report: Report): void {
  walk(withoutForeignBody(raw), "", nullable[String(raw.type)] ?? [], report);
}

function walk(value: unknown, path: string, mayBeNull: readonly string[], report: Report): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(item, `${path}.${index}`, mayBeNull, report);
  } else if (isJsonObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      if (opaque.has(key) || key.startsWith("x-")) continue;
      const here = path === "" ? key : `${path}.${key}`;
      if (inner === null && !mayBeNull.includes(key)) {
        report("R-5.2-1", `${here} is null instead of absent`);
      }
      const form = times[key];
      if (form !== undefined && typeof inner === "string" && !form.test(inner)) {
        report("R-5.2-2", `${here} is not a UTC time with milliseconds and Z: ${inner}`);
      }
      walk(inner, here, mayBeNull, report);
    }
  }
}

/** Vendors own the bodies of their kinds, and agents own the fields of a `status` besides its phase and message. */
function withoutForeignBody(raw: JsonObject): JsonObject {
  const payload = raw.payload;
  if (raw.type !== "job.event" || !isJsonObject(payload)) return raw;
  const { body, ...rest } = payload;
  const kind = String(payload.kind);
  if (kind === "status" && isJsonObject(body)) {
    const { phase, message } = body;
    return { ...raw, payload: { ...rest, body: { phase, message } } };
  }
  return isEventKind(kind) ? raw : { ...raw, payload: rest };
}
