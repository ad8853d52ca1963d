import { trace } from "@opentelemetry/api";
import { traceContextOf } from "./trace-context.ts";

/** The headers of W3C Trace Context; without a `traceparent` they name no trace. */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/**
 * The span that is active at this moment, for a submit: `client.submit(agent, input, { traceContext: activeTrace() })` makes the job
 * its child. Empty when there is none.
 */
export function activeTrace(): TraceHeaders {
  return traceContextOf(trace.getActiveSpan()?.spanContext()) ?? {};
}
