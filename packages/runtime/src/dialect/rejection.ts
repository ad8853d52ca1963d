import {
  type ErrorPayload,
  formatTimestamp,
  isObject,
  JobId,
  type MessageId,
  newJobId,
  newTraceId,
  parseAgentReference,
  readTraceId,
} from "@arcp/core";
import type { Announcement } from "../announcement.ts";

/** A rejected request, as far as it could be read. */
export interface Rejected {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  /** The job that it named. */
  readonly job_id?: JobId | undefined;
  readonly trace_id?: string | undefined;
  /** The agent that a submit named. */
  readonly agent?: string | undefined;
}

/**
 * What the rejection of a request may have to repeat, as far as it can be read from it (R-5.4-2). Invalid values are dropped, because
 * the rejection may have to wait in a queue.
 */
export function rejected(
  request: Omit<Rejected, "agent"> & { readonly payload?: unknown },
): Rejected {
  const { id, type, trace_id, payload } = request;
  const { job_id: target, agent } = isObject(payload) ? payload : {};
  const isAgent = typeof agent === "string" && parseAgentReference(agent) !== undefined;
  return {
    id,
    type,
    job_id: request.job_id ?? JobId.safeParse(target).data,
    trace_id: readTraceId(trace_id ?? ""),
    agent: isAgent ? agent : undefined,
  };
}

/** What the form of a rejection depends on, as far as the client has been told. */
export interface Situation {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether the session has a job whose end has not been sent. */
  readonly hasLiveJob: boolean;
  /** Whether a submit of the session is unanswered. */
  readonly awaitsSubmit: boolean;
  /** Whether the session owns or watches this job, and its end has not been sent. */
  follows(job: JobId): boolean;
  /** Whether the session owns this job, or follows it. */
  owns(job: JobId): boolean;
}

/** The messages that answer a rejected request, in this order. None if the client would mistake any answer for something else. */
export type Rejection = (
  request: Rejected,
  error: ErrorPayload,
  situation: Situation,
) => readonly Announcement[];

/**
 * The last message before a connection is closed. `request` is the id of the opening request that it answers, if that could be
 * read.
 */
export type Refusal = (request: string | undefined, error: ErrorPayload) => readonly Announcement[];

export const asSessionError: Rejection = (request, error) => [
  sessionError(request.id, error, request.job_id),
];

/** Go does not know `job_id` in it. */
export const asPlainSessionError: Rejection = ({ id }, error) => [sessionError(id, error)];

export const openingAsSessionError: Refusal = (id, error) => [sessionError(id, error)];

/** Java finds its request by the id of the envelope, and ignores the second message. */
export const asPair: Rejection = ({ id, job_id: target }, error, { follows }) => {
  const job = target === undefined || follows(target) ? undefined : target;
  const names = job === undefined ? {} : { job_id: job };
  return [jobError(error, { id, ...names }), sessionError(id, error, job)];
};

export const openingAsPair: Refusal = (id, error) => [
  ...(id === undefined ? [] : [jobError(error, { id })]),
  sessionError(id, error),
];

/**
 * TypeScript takes a `session.error` as the failure of everything in progress (R-D-5). A rejected submit is therefore reported as a
 * job that never existed, because another request's error must not end a live job (R-D-4).
 */
export const asJobError: Rejection = ({ id, type, job_id: job, trace_id }, error, situation) => {
  if (type === "job.submit") {
    const trace = readTraceId(trace_id ?? "");
    const names = { job_id: newJobId(), ...(trace !== undefined && { trace_id: trace }) };
    return [jobError({ ...error, request_id: id }, names)];
  }
  if (type === "session.list_jobs") return [emptyPage(id)];
  if (type !== "job.subscribe" && type !== "job.cancel") return [];
  // While a submit is unanswered, TypeScript would take the error of an unknown job for the answer to it.
  if (job === undefined || situation.awaitsSubmit || situation.owns(job)) return [];
  return [jobError(error, { job_id: job })];
};

/** C# behaves the same while it has a job: a rejected submit is accepted for appearance's sake, and fails at once. */
export const asFailedJob: Rejection = ({ id, type, trace_id, agent = "" }, error, situation) => {
  if (!situation.hasLiveJob) return [sessionError(id, error)];
  if (type === "session.list_jobs") return [emptyPage(id)];
  if (type !== "job.submit") return [];
  const trace = readTraceId(trace_id ?? "") ?? newTraceId();
  const names = { job_id: newJobId(), trace_id: trace };
  const payload = {
    request_id: id,
    job_id: names.job_id,
    agent: parseAgentReference(agent) === undefined ? "unknown" : agent,
    lease: {},
    accepted_at: formatTimestamp(situation.now),
    trace_id: trace,
  };
  return [{ type: "job.accepted", ...names, payload }, jobError(error, names)];
};

interface JobErrorNames {
  readonly id?: string | undefined;
  readonly job_id?: JobId;
  readonly trace_id?: string;
}

function sessionError(
  id: string | undefined,
  error: ErrorPayload,
  job_id?: JobId | undefined,
): Announcement {
  return { type: "session.error", payload: { ...error, request_id: id, job_id } };
}

/** Without `event_seq`, because it belongs to no stream (R-5.1-6). */
function jobError(error: object, { id, ...names }: JobErrorNames): Announcement {
  return {
    type: "job.error",
    ...(id !== undefined && { id: id as MessageId }),
    ...names,
    payload: { ...error, final_status: "error" },
  };
}

function emptyPage(id: string | undefined): Announcement {
  return { type: "session.jobs", payload: { request_id: id, jobs: [], next_cursor: null } };
}
