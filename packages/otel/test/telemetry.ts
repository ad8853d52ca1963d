import { context, DiagLogLevel, diag, type SpanContext } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** A value of a metric, and what it was measured of. */
export interface Measured {
  readonly value: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The SDK of OpenTelemetry, with all that it gets kept in memory. */
export function telemetry({ sampler }: { readonly sampler?: Sampler } = {}) {
  // Files share their modules, and so the API: the first one sets it.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const complaints: string[] = [];
  const complain = (message: string): void => void complaints.push(message);
  const logger = { error: complain, warn: complain, info() {}, debug() {}, verbose() {} };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter = new InMemorySpanExporter();
  const begun: ReadableSpan[] = [];
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart: (span) => void begun.push(span),
        onEnd() {},
        forceFlush: async () => {},
        shutdown: async () => {},
      },
      new SimpleSpanProcessor({ exporter }),
    ],
    ...(sampler && { sampler }),
  });
  const reader = new Reader();
  const meters = new MeterProvider({ readers: [reader] });
  return {
    tracer: provider.getTracer("test"),
    meter: meters.getMeter("test"),
    /** What the SDK has found wrong, such as a span that is ended twice. */
    complaints,
    /** Those that have not ended, by name. */
    open: () => begun.filter(({ ended }) => !ended).map(({ name }) => name),
    /** The spans that have ended, in that order. */
    spans: (): readonly ReadableSpan[] => exporter.getFinishedSpans(),
    /** The one of this name. */
    span(name: string): ReadableSpan {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name);
      const [span] = found;
      if (span === undefined || found.length > 1) {
        const all = exporter.getFinishedSpans().map((each) => each.name);
        throw new Error(`${found.length} spans have the name ${name}, of ${all.join(", ")}`);
      }
      return span;
    },
    /** What a metric stands at. */
    async metric(name: string): Promise<readonly Measured[]> {
      const { resourceMetrics } = await reader.collect();
      const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      const found = all.find(({ descriptor }) => descriptor.name === name);
      return (found?.dataPoints ?? []).map(({ value, attributes }) => ({ value, attributes }));
    },
  };
}

/** A context as its `traceparent`. */
export const traceparent = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${traceFlags}`;
