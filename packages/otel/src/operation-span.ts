import type { Operation, OperationObserver, OperationOutcome } from "@arcp/runtime";
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { budgetAttributes, operationAttributes } from "./attributes.ts";
import { exceptionOf, type RecordedException } from "./exception.ts";
import { traceContextOf } from "./trace-context.ts";

/** Operations with few different targets, which may therefore be part of a span's name. */
const NAMED: readonly string[] = ["tool.call", "model.use", "agent.delegate"];
/** Operations that leave the process. */
const OUTGOING: readonly string[] = ["net.fetch", "model.use"];

interface OperationSpanOptions {
  readonly tracer: Tracer;
  /** The context in which the span starts. */
  readonly context: Context;
  /** The attributes of the job. */
  readonly attributes: Attributes;
  readonly operation: Operation;
  /** @param error the type of the error; undefined if it did not fail */
  readonly ended: (error: string | undefined) => void;
}

/** One operation of an agent, as a span. */
export class OperationSpan implements OperationObserver {
  readonly trace: OperationObserver["trace"];
  readonly #span: Span;
  readonly #context: Context;
  readonly #ended: OperationSpanOptions["ended"];

  constructor({ tracer, context: outer, attributes, operation, ended }: OperationSpanOptions) {
    const { name, target, remaining } = operation;
    this.#span = tracer.startSpan(
      NAMED.includes(name) ? `${name} ${target}` : name,
      {
        kind: OUTGOING.includes(name) ? SpanKind.CLIENT : SpanKind.INTERNAL,
        attributes: {
          ...attributes,
          ...budgetAttributes(remaining),
          ...operationAttributes(operation),
        },
      },
      outer,
    );
    this.#context = trace.setSpan(outer, this.#span);
    this.trace = traceContextOf(this.#span.spanContext());
    this.#ended = ended;
  }

  within(run: () => void): void {
    context.with(this.#context, run);
  }

  ended({ error, code, httpStatus }: OperationOutcome): void {
    if (httpStatus !== undefined) {
      this.#span.setAttribute("http.response.status_code", httpStatus);
    }
    const exception = error === undefined ? undefined : exceptionOf(error);
    const type = exception === undefined ? refusedBy(httpStatus) : (code ?? typeOf(exception));
    try {
      this.#ended(type);
      if (type !== undefined) this.#fail(type, exception);
    } finally {
      // Whatever was thrown, because a span that does not end is never seen.
      this.#span.end();
    }
  }

  #fail(type: string, exception: RecordedException | undefined): void {
    this.#span.setAttribute("error.type", type);
    if (exception === undefined) return void this.#span.setStatus({ code: SpanStatusCode.ERROR });
    const message = typeof exception === "string" ? exception : exception.message;
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
    this.#span.recordException(exception);
  }
}

/** The status as an error type, if the response is an error. */
function refusedBy(status: number | undefined): string | undefined {
  return status !== undefined && status >= 400 ? `${status}` : undefined;
}

function typeOf(exception: RecordedException): string {
  return typeof exception === "string" ? "_OTHER" : exception.name;
}
