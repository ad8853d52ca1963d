import { LocalError } from "@arcp/core";
import { metrics, ProxyTracerProvider, trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { type OtelOptions, otel } from "./otel.ts";

const wrong: ReadonlyArray<[string, unknown, string]> = [
  [
    "a misspelt name",
    { tracers: {} },
    "tracers is not one of its options, which are tracer, meter",
  ],
  [
    "a provider in the place of a tracer",
    { tracer: new ProxyTracerProvider() },
    "tracer must be a tracer, such as trace.getTracer(name), not an instance of a class",
  ],
  [
    "a meter in the place of a tracer",
    { tracer: metrics.getMeter("mine") },
    "tracer must be a tracer",
  ],
  ["a tracer in the place of a meter", { meter: trace.getTracer("mine") }, "meter must be a meter"],
  ["a name", "mine", "must be an object, not a string"],
  ["null", null, "must be an object, not null"],
];

test.each(wrong)("the unknown option %s is refused at once", (_, options, message) => {
  const made = () => otel(options as OtelOptions);
  expect(made).toThrow(LocalError);
  expect(made).toThrow(message);
});

test("an undefined option takes its default", () => {
  const observer = otel({ tracer: undefined, meter: undefined });
  expect(Object.keys(observer)).toEqual(["start", "job", "close"]);
});
