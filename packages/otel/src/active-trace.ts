import { trace } from "@opentelemetry/api";
import { traceContextOf } from "./trace-context.ts";

/** The headers of W3C Trace Context; without a `traceparent` they name no trace. */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/**
 * The context of the span that is active at this moment, for a submit:
 * `client.submit(agent, input, { traceContext: activeTrace() })` makes the job its child. Empty if no span is active.
 */
export function activeTrace(): TraceHeaders {
  return traceContextOf(trace.getActiveSpan()?.spanContext()) ?? {};
}
