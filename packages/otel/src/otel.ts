import { checkOptions, type OptionRules, rule } from "@arcp/core";
import type { Observer } from "@arcp/runtime";
import { type Meter, metrics, type Tracer, trace } from "@opentelemetry/api";
import { JobSpan } from "./job-span.ts";
import { Measures } from "./measures.ts";

/** What spans and instruments are made by. */
export interface OtelOptions {
  /** What makes the spans. Default: that of the global provider, for `@arcp/otel`. */
  readonly tracer?: Tracer | undefined;
  /** What makes the instruments. Default: that of the global provider, for `@arcp/otel`. */
  readonly meter?: Meter | undefined;
}

const RULES: OptionRules<OtelOptions> = {
  tracer: rule.having<Tracer>("a tracer, such as trace.getTracer(name)", "startSpan"),
  meter: rule.having<Meter>(
    "a meter, such as metrics.getMeter(name)",
    "createHistogram",
    "createCounter",
    "createObservableGauge",
    "createObservableCounter",
    "createObservableUpDownCounter",
    "addBatchObservableCallback",
  ),
};

const SCOPE = "@arcp/otel";

/**
 * Traces and metrics of one runtime: `createRuntime({ observer: otel() })`. Each runtime has one of its own. To be called once the
 * SDK has been started: a global meter that is asked for before that measures nothing.
 *
 * @throws LocalError `MISUSE` for an option that there is not, or of another kind: a provider is no tracer, and would fail with each job
 */
export function otel(options: OtelOptions = {}): Observer {
  checkOptions("otel", options, RULES);
  const { tracer = trace.getTracer(SCOPE), meter = metrics.getMeter(SCOPE) } = options;
  const measures = new Measures(meter);
  return {
    start: (figures) => measures.watch(figures),
    job: (attempt) => new JobSpan(tracer, measures, attempt),
    close: () => measures.stop(),
  };
}
