import { type ClientMessageType, type Envelope, type JobId, readTraceId } from "@arcp/core";

/** A pending request: what is needed to tell whether a message that names no request is about this one. */
export interface Asked {
  readonly id: string;
  readonly type: ClientMessageType;
  /** The job that the request is about, if there is one yet. */
  readonly jobId: JobId | undefined;
  /** The trace id of a submit. */
  readonly traceId: string | undefined;
  /** Whether the request is idempotent. An idempotent submit may lead to a job that existed before. */
  readonly isRepeatable: boolean;
}

/** What is known besides the pending requests. */
export interface Context {
  /** The ids and traces of requests that are no longer pending: replies to them are ignored. */
  readonly former: Names;
  /** The jobs that the runtime has already mentioned: an error of one is its end, not the rejection of a submit. */
  readonly jobs: Names;
}

interface Names {
  has(name: string): boolean;
}

/** The request that a reply answers if it names none. @param asked the requests that were sent, oldest first (R-5.4-6) */
export function answered<A extends Asked>(
  reply: Envelope,
  asked: readonly A[],
  context: Context,
): A | undefined {
  const byId = asked.find(({ id }) => id === reply.id);
  if (byId !== undefined) return byId;
  switch (reply.type) {
    case "job.accepted": {
      // A child's acceptance is not a reply.
      if (reply.payload.parent_job_id !== undefined) return undefined;
      const submit = submitOf(reply, asked, context);
      const isAgain = !submit?.isRepeatable && context.jobs.has(reply.payload.job_id);
      return isAgain ? undefined : submit;
    }
    case "session.jobs":
      return asked.find(({ type }) => type === "session.list_jobs");
    case "job.cancelled":
      return about(asked, "job.cancel", reply.payload.job_id ?? reply.job_id);
    case "job.subscribed":
      return about(asked, "job.subscribe", reply.payload.job_id);
    default:
      return undefined;
  }
}

/**
 * What a `job.error` means: the rejection of a request (R-D-8), a reply that came too late for its request, or the end of its job.
 */
export function meaning<A extends Asked>(
  error: Envelope<"job.error">,
  asked: readonly A[],
  context: Context,
): A | "belated" | "end" {
  const { id, job_id: job, event_seq: seq, payload } = error;
  const named = payload.request_id ?? id;
  const byId = asked.find((each) => each.id === named);
  if (byId !== undefined) return byId;
  if (payload.request_id !== undefined || context.former.has(id)) return "belated";
  if (job !== undefined && !isRefusedKey(error)) {
    const byJob = asked.find(({ jobId }) => jobId === job);
    // A message without a number usually does not belong to the stream.
    if (byJob !== undefined) {
      return seq === undefined && fits(payload.code, byJob.type) ? byJob : "end";
    }
    if (context.jobs.has(job)) return "end";
  }
  return submitOf(error, asked, context) ?? "belated";
}

/** Refusing a key that was used with other parameters ends no job, not even the one with that key; a record of a job's log does. */
export function isRefusedKey({ job_seq, payload }: Envelope<"job.error">): boolean {
  return payload.code === "DUPLICATE_KEY" && job_seq === undefined;
}

/** Codes that are about the session. The connection ends after them. */
const ofSession: ReadonlySet<string> = new Set([
  "UNAUTHENTICATED",
  "RESUME_WINDOW_EXPIRED",
  "HEARTBEAT_LOST",
]);

/** The types of request that a code fits; codes not listed may be about any. */
const fitting = new Map<string, readonly ClientMessageType[]>([
  ["JOB_NOT_FOUND", ["job.cancel", "job.subscribe"]],
  ["PERMISSION_DENIED", ["job.submit", "job.cancel", "job.subscribe"]],
  ["LEASE_SUBSET_VIOLATION", ["job.submit"]],
  ["DUPLICATE_KEY", ["job.submit"]],
  ["AGENT_NOT_AVAILABLE", ["job.submit"]],
  ["AGENT_VERSION_NOT_AVAILABLE", ["job.submit"]],
  ["LEASE_EXPIRED", ["job.submit"]],
  ["BUDGET_EXHAUSTED", ["job.submit"]],
  ["CANCELLED", []],
  ["TIMEOUT", []],
]);

/**
 * The request that a `session.error` is about if it names none: the only one, or the oldest that its code fits (R-D-9). It never
 * concerns running jobs.
 */
export function blamed<A extends Asked>(
  error: Envelope<"session.error">,
  asked: readonly A[],
  context: Context,
): A | undefined {
  const { code, job_id: job = error.job_id } = error.payload;
  const byId = asked.find(({ id }) => id === error.id);
  if (byId !== undefined || ofSession.has(code) || context.former.has(error.id)) return byId;
  if (job !== undefined) return asked.find(({ jobId }) => jobId === job);
  const trace = readTraceId(error.trace_id ?? "");
  if (trace !== undefined) {
    const byTrace = asked.find(({ traceId }) => traceId === trace);
    if (byTrace !== undefined || context.former.has(trace)) return byTrace;
  }
  const candidates = asked.filter(({ type }) => type !== "session.ping");
  if (candidates.length === 1) return candidates[0];
  return candidates.find(({ type }) => fits(code, type));
}

function fits(code: string, type: ClientMessageType): boolean {
  return fitting.get(code)?.includes(type) ?? true;
}

/** The submit with the message's trace, which is unique to it; otherwise the oldest. */
function submitOf<A extends Asked>(
  message: Envelope<"job.accepted" | "job.error">,
  asked: readonly A[],
  context: Context,
): A | undefined {
  const submits = asked.filter(({ type }) => type === "job.submit");
  const inside = message.type === "job.accepted" ? message.payload.trace_id : undefined;
  const trace = readTraceId(message.trace_id ?? inside ?? "");
  if (trace === undefined) return submits[0];
  const byTrace = submits.find(({ traceId }) => traceId === trace);
  return byTrace ?? (context.former.has(trace) ? undefined : submits[0]);
}

/** The oldest request of this type about the job; if the reply names no job, the only one of this type. */
function about<A extends Asked>(
  asked: readonly A[],
  wanted: ClientMessageType,
  job: JobId | undefined,
): A | undefined {
  const fits = asked.filter(
    ({ type, jobId }) => type === wanted && (job === undefined || jobId === job),
  );
  return job === undefined && fits.length > 1 ? undefined : fits[0];
}
