import type { TraceContext } from "@arcp/core";
import { createTraceState, isSpanContextValid, type SpanContext } from "@opentelemetry/api";

/**
 * @param context as a runtime passes it on, already checked
 * @param isRemote whether another process made it
 */
export function spanContextOf(
  { traceparent, tracestate }: TraceContext,
  isRemote: boolean,
): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  const traceFlags = Number.parseInt(flags, 16);
  const state = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) };
  return { traceId, spanId, traceFlags, isRemote, ...state };
}

/** @returns undefined for a span that belongs to no trace, as without an SDK */
export function traceContextOf(span: SpanContext | undefined): TraceContext | undefined {
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = span;
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize() ?? "";
  return tracestate === "" ? { traceparent } : { traceparent, tracestate };
}
