import { isObject, isTerminal, type JobId, jobStatuses, type TerminalStatus } from "@arcp/core";
import type { LogRecord } from "./log-store.ts";

const BEGINNING = '"id":"';
const EVENT = '","type":"job.event"';
const ENDING = "}}";

/** The final status is the first field of a terminal record's payload. */
const FINAL_STATUS = /,"payload":\{"final_status":"([a-z_]+)"/;

/**
 * Whether a record may be what was written. For most records only the beginning and the end are checked, because every reader
 * checks again; code that reads the middle must expect damage there.
 */
export function isSound(record: LogRecord): boolean {
  // Off-heap text does not come from a file.
  if (record.long !== undefined) return true;
  const { kind, text } = record;
  if (!text.startsWith(BEGINNING) || !text.endsWith(ENDING)) return false;
  if (kind === "terminal") return finalStatusIn(record) !== undefined;
  if (!text.startsWith(EVENT, text.indexOf('"', BEGINNING.length))) return false;
  if (kind === "delegate") return delegatedIn(record) !== undefined;
  return kind !== "credential_rotated" || typeof bodyIn(record)?.["id"] === "string";
}

/** The final status of a terminal record; undefined if it has none. */
export function finalStatusIn({ text }: LogRecord): TerminalStatus | undefined {
  const [, said] = FINAL_STATUS.exec(text) ?? [];
  const status = jobStatuses.find((known) => known === said);
  return status !== undefined && isTerminal(status) ? status : undefined;
}

/** The child that a delegation record names; undefined if it names none. */
export function delegatedIn(record: LogRecord): JobId | undefined {
  const child = bodyIn(record)?.["child_job_id"];
  return typeof child === "string" ? (child as JobId) : undefined;
}

/** The trace id, which all records of a job share; undefined if it cannot be read. */
export function traceIn(record: LogRecord): string | undefined {
  const trace = envelopeIn(record)?.["trace_id"];
  return typeof trace === "string" ? trace : undefined;
}

function bodyIn(record: LogRecord): Record<string, unknown> | undefined {
  const payload = envelopeIn(record)?.["payload"];
  const body = isObject(payload) ? payload["body"] : undefined;
  return isObject(body) ? body : undefined;
}

function envelopeIn({ text }: Pick<LogRecord, "text">): Record<string, unknown> | undefined {
  return objectIn(`{${text}`);
}

/** Parses a JSON object; undefined if the text is anything else. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
