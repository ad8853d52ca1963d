import { type ClientMessageType, type Envelope, type JobId, readTraceId } from "@arcp/core";

/** A request without an answer, as far as a message that names none may be about it. */
export interface Asked {
  readonly id: string;
  readonly type: ClientMessageType;
  /** The job that it is about, if there is one yet. */
  readonly jobId: JobId | undefined;
  /** That of a submit. */
  readonly traceId: string | undefined;
  /** Whether asking twice does the same as asking once: a submit that is may lead to a job that there was before. */
  readonly isRepeatable: boolean;
}

/** What is known beside the requests that wait. */
export interface Context {
  /** The ids and traces of requests that wait no longer: an answer to them is nobody's. */
  readonly former: Names;
  /** The jobs of which there was a word before: their errors are their ends, and not the rejection of a submit. */
  readonly jobs: Names;
}

interface Names {
  has(name: string): boolean;
}

/** The request that a reply answers which names none, of all that were sent, oldest first (R-5.4-6). */
export function answered<A extends Asked>(
  reply: Envelope,
  asked: readonly A[],
  context: Context,
): A | undefined {
  const byId = asked.find(({ id }) => id === reply.id);
  if (byId !== undefined) return byId;
  switch (reply.type) {
    case "job.accepted": {
      // A child's acceptance answers nobody.
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
 * What a `job.error` is: the rejection of a request (R-D-8), an answer that came too late for its own, or the end of its
 * job.
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
    // What is not numbered does not belong to the stream, as a rule.
    if (byJob !== undefined) {
      return seq === undefined && fits(payload.code, byJob.type) ? byJob : "end";
    }
    if (context.jobs.has(job)) return "end";
  }
  return submitOf(error, asked, context) ?? "belated";
}

/** A key that was used for other parameters ends no job, not even the one that has it; a record of a job's own log does. */
export function isRefusedKey({ job_seq, payload }: Envelope<"job.error">): boolean {
  return payload.code === "DUPLICATE_KEY" && job_seq === undefined;
}

/** Codes that tell of the session. Behind them the connection ends. */
const ofSession: ReadonlySet<string> = new Set([
  "UNAUTHENTICATED",
  "RESUME_WINDOW_EXPIRED",
  "HEARTBEAT_LOST",
]);

/** The requests that a code fits; others may be about anything. */
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
 * The request that an error of the session is about which names none: the only one, or the oldest that its code fits
 * (R-D-9). Jobs that run have nothing to do with it.
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

/** By the trace that each submit has of its own, else the oldest. */
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

/** The oldest of this type about the job; when the reply names no job, the only one of this type. */
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
