import type { Observer } from "@arcp/runtime";
import { type Meter, metrics, type Tracer, trace } from "@opentelemetry/api";
import { JobSpan } from "./job-span.ts";
import { Measures } from "./measures.ts";

/** What spans and instruments are made by. */
export interface OtelOptions {
  /** What makes the spans. Default: that of the global provider, for `@arcp/otel`. */
  readonly tracer?: Tracer;
  /** What makes the instruments. Default: that of the global provider, for `@arcp/otel`. */
  readonly meter?: Meter;
}

const SCOPE = "@arcp/otel";

/**
 * Traces and metrics of one runtime: `createRuntime({ observer: otel() })`. Each runtime has one of its own. To be called once the
 * SDK has been started: a global meter that is asked for before that measures nothing.
 */
export function otel({
  tracer = trace.getTracer(SCOPE),
  meter = metrics.getMeter(SCOPE),
}: OtelOptions = {}): Observer {
  const measures = new Measures(meter);
  return {
    start: (figures) => measures.watch(figures),
    job: (attempt) => new JobSpan(tracer, measures, attempt),
    close: () => measures.stop(),
  };
}
