import { isObject, jobStatuses, type TraceContext } from "@arcp/core";
import type {
  Cancel,
  DamagedJob,
  DamagedRow,
  JobChange,
  JobRow,
  ListedJob,
} from "@arcp/runtime/store";
import { countIn, fromJson, present, textIn, timeIn } from "./column.ts";
import type { Row } from "./connection.ts";
import { decoded } from "./damage.ts";
import {
  isDecimal,
  isPositive,
  isText,
  isTime,
  listOf,
  mapOf,
  oneOf,
  optional,
  type Shape,
  shaped,
  withMembers,
} from "./shape.ts";

/** All columns except those that may be large. */
export const LISTED = `id, principal, session, submitted_in, request, parent, agent, accepted_at, status, finished_at, remaining, cancel,
  attempt, streamed, submitted`;

/** The fields that never change and that no listing filters by, as JSON. */
export type Submitted = Omit<
  JobRow,
  keyof JobChange | "id" | "principal" | "parent" | "agent" | "acceptedAt"
>;

const isStatus = oneOf(...jobStatuses);
const isCancel = withMembers<Cancel>({
  reason: optional(isText),
  details: optional(withMembers<NonNullable<Cancel["details"]>>({ reason: isText })),
});
/** The runtime checks what the lease grants. */
const isLease = (value: unknown): value is JobRow["lease"] => isObject(value);
const isTrace = withMembers<TraceContext>({ traceparent: isText, tracestate: optional(isText) });
const isSubmitted = withMembers<Submitted>({
  features: listOf(isText),
  delegateId: optional(isText),
  lease: isLease,
  expiresAt: optional(isTime),
  maxRuntimeSec: optional(isPositive),
  traceId: isText,
  traceContext: optional(isTrace),
  firstAttempt: optional(isTrace),
  keepUntil: optional(isTime),
  workspace: optional(isText),
});

/** Reads what it can of a damaged row. */
export function damagedJobIn(row: Row, error: DamagedRow): DamagedJob {
  const known = <T>(column: string, is: Shape<T>): T | undefined => {
    const value = row[column];
    return is(value) ? value : undefined;
  };
  return {
    id: row["id"] as JobRow["id"],
    session: row["session"] as JobRow["session"],
    status: known("status", isStatus),
    acceptedAt: known("accepted_at", isTime),
    finishedAt: known("finished_at", isTime),
    error,
  };
}

/** @throws DamagedRow */
export function listedJobIn(row: Row): ListedJob {
  return decoded(`the job ${row["id"]}`, row, listedJob);
}

/** Decodes a row with all columns. @throws DamagedRow */
export function jobIn(row: Row): JobRow {
  return decoded(`the job ${row["id"]}`, row, () => ({
    ...listedJob(row),
    input: present(row["input"], textIn),
    checkpoint: present(row["checkpoint"], textIn),
  }));
}

function listedJob(row: Row): ListedJob {
  return {
    ...fromJson(row["submitted"], isSubmitted),
    id: row["id"] as JobRow["id"],
    principal: textIn(row["principal"]),
    session: row["session"] as JobRow["session"],
    submittedIn: present(row["submitted_in"], (id) => id as JobRow["session"]),
    request: present(row["request"], (id) => textIn(id) as NonNullable<JobRow["request"]>),
    parent: present(row["parent"], (id) => id as JobRow["id"]),
    agent: String(row["agent"]),
    acceptedAt: timeIn(row["accepted_at"]),
    status: shaped(row["status"], isStatus),
    finishedAt: present(row["finished_at"], timeIn),
    remaining: present(row["remaining"], (value) => fromJson(value, mapOf(isDecimal))),
    cancel: present(row["cancel"], (value) => fromJson(value, isCancel)),
    attempt: present(row["attempt"], countIn),
    streamed: present(row["streamed"], Boolean),
  };
}
