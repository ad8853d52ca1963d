export { activeTrace, type TraceHeaders } from "./active-trace.ts";
export { type OtelOptions, otel } from "./otel.ts";
