import { isObject, isTerminal, type JobId, jobStatuses, type TerminalStatus } from "@arcp/core";
import type { LogRecord } from "./log-store.ts";

const BEGINNING = '"id":"';
const EVENT = '","type":"job.event"';
const ENDING = "}}";

/** It is the first that the last record's payload says. */
const FINAL_STATUS = /,"payload":\{"final_status":"([a-z_]+)"/;

/**
 * Whether it can be what was written. Of most records only the beginning and the end is looked at, as each is read by many: who
 * reads the middle reads it as what others may have damaged.
 */
export function isSound(record: LogRecord): boolean {
  // What is outside of the heap comes from no file.
  if (record.long !== undefined) return true;
  const { kind, text } = record;
  if (!text.startsWith(BEGINNING) || !text.endsWith(ENDING)) return false;
  if (kind === "terminal") return finalStatusIn(record) !== undefined;
  if (!text.startsWith(EVENT, text.indexOf('"', BEGINNING.length))) return false;
  if (kind === "delegate") return delegatedIn(record) !== undefined;
  return kind !== "credential_rotated" || typeof bodyIn(record)?.["id"] === "string";
}

/** How the job ended; undefined where the record does not say that. */
export function finalStatusIn({ text }: LogRecord): TerminalStatus | undefined {
  const [, said] = FINAL_STATUS.exec(text) ?? [];
  const status = jobStatuses.find((known) => known === said);
  return status !== undefined && isTerminal(status) ? status : undefined;
}

/** The child that the record of a delegation names; undefined where it does not. */
export function delegatedIn(record: LogRecord): JobId | undefined {
  const child = bodyIn(record)?.["child_job_id"];
  return typeof child === "string" ? (child as JobId) : undefined;
}

/** What all records of a job have in common with this one; undefined where nobody can tell. */
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

/** The object that a text of JSON says; undefined where it says none. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
