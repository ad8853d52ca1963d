import { checkOptions, type OptionRules, rule } from "@arcp/core";
import type { Observer } from "@arcp/runtime";
import { type Meter, metrics, type Tracer, trace } from "@opentelemetry/api";
import { JobSpan } from "./job-span.ts";
import { Measures } from "./measures.ts";

/** What creates the spans and the instruments. */
export interface OtelOptions {
  /** Creates the spans. Default: the global provider's tracer for `@arcp/otel`. */
  readonly tracer?: Tracer | undefined;
  /** Creates the instruments. Default: the global provider's meter for `@arcp/otel`. */
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
 * Traces and metrics of one runtime: `createRuntime({ observer: otel() })`. Each runtime needs its own. Call it once the SDK has
 * been started, because a global meter that is requested earlier measures nothing.
 *
 * @throws LocalError `MISUSE` for an unknown option, or one of the wrong type: a provider is not a tracer, and would fail with each
 *   job
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
