import { newTraceContext, type TraceContext } from "@arcp/core";
import type { JobIdentity } from "./job-identity.ts";

/** The trace of a job, to pass on to whatever it calls: the headers of W3C Trace Context, and the trace id separately. */
export interface Trace extends TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
}

/**
 * The trace context of the submit, unchanged, because the runtime adds no spans of its own. Without one, a context with a fresh
 * parent id (R-11-5).
 */
export function traceOf({
  traceId,
  traceContext,
}: Pick<JobIdentity, "traceId" | "traceContext">): Trace {
  return Object.freeze({ traceId, ...(traceContext ?? newTraceContext(traceId)) });
}
