import { context, createTraceState, trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { telemetry, traceparent } from "../test/telemetry.ts";
import { activeTrace } from "./active-trace.ts";

test("returns the active span as headers", () => {
  const { tracer } = telemetry();
  expect(activeTrace()).toEqual({});
  tracer.startActiveSpan("a", (span) => {
    expect(activeTrace()).toEqual({ traceparent: traceparent(span.spanContext()) });
    span.end();
  });
  const invalid = trace.wrapSpanContext({ traceId: "0".repeat(32), spanId: "0", traceFlags: 0 });
  context.with(trace.setSpan(context.active(), invalid), () => expect(activeTrace()).toEqual({}));
  const remote = trace.wrapSpanContext({
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    traceFlags: 0,
    traceState: createTraceState("acme=1"),
  });
  context.with(trace.setSpan(context.active(), remote), () =>
    expect(activeTrace()).toEqual({
      traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00`,
      tracestate: "acme=1",
    }),
  );
});
