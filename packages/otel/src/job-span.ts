import type { JobAttempt, JobObserver, JobOutcome, Operation } from "@arcp/runtime";
import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { budgetAttributes, jobAttributes } from "./attributes.ts";
import { exceptionOf } from "./exception.ts";
import type { Measures } from "./measures.ts";
import { OperationSpan } from "./operation-span.ts";
import { spanContextOf, traceContextOf } from "./trace-context.ts";

const FAILURES: readonly JobOutcome["status"][] = ["error", "timed_out", "refused", "lost"];

/**
 * The codes with which the lease or the budget refuses an operation. Any other code means that it failed, or that the job was over.
 */
const REFUSALS: ReadonlySet<string> = new Set([
  "PERMISSION_DENIED",
  "LEASE_SUBSET_VIOLATION",
  "LEASE_EXPIRED",
  "BUDGET_EXHAUSTED",
]);

/** One attempt of a job, as a span. */
export class JobSpan implements JobObserver {
  readonly trace: JobObserver["trace"];
  readonly #tracer: Tracer;
  readonly #measures: Measures;
  readonly #attempt: JobAttempt;
  readonly #attributes: Attributes;
  readonly #span: Span;
  readonly #context: Context;

  constructor(tracer: Tracer, measures: Measures, attempt: JobAttempt) {
    this.#tracer = tracer;
    this.#measures = measures;
    this.#attempt = attempt;
    this.#attributes = jobAttributes(attempt);
    this.#span = startSpan(tracer, attempt, this.#attributes);
    // Whoever delegated the job, or received its submit, has an active span and baggage of its own, which are not this job's.
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.trace = traceContextOf(this.#span.spanContext());
  }

  within(run: () => void): void {
    context.with(this.#context, run);
  }

  operation(operation: Operation): OperationSpan {
    return new OperationSpan({
      tracer: this.#tracer,
      context: this.#caller(),
      attributes: this.#attributes,
      operation,
      ended: (error) => this.#done(operation, error),
    });
  }

  spent(currency: string, amount: string): void {
    this.#measures.spent(currency, amount);
  }

  cancelling(reason: string | undefined): void {
    const attributes = reason === undefined ? {} : { "arcp.cancel.reason": reason };
    this.#span.addEvent("arcp.cancel", attributes);
  }

  failed(error: unknown): void {
    this.#span.recordException(exceptionOf(error));
  }

  ended(outcome: JobOutcome): void {
    const { status, error, remaining } = outcome;
    this.#span.setAttributes({
      "arcp.job.status": status,
      ...(error && { "error.type": error.code }),
      ...budgetAttributes(remaining),
    });
    if (FAILURES.includes(status)) {
      const message = error?.message ?? "the outcome of the job is unknown";
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    try {
      this.#measures.ended(this.#attempt, outcome);
    } finally {
      // Even if a meter throws. The span ends last, so that a span processor that throws costs no measurement.
      this.#span.end();
    }
  }

  /** The agent's own spans lie between the job's span and that of an operation. */
  #caller(): Context {
    const active = context.active();
    const within = trace.getSpanContext(active)?.traceId === this.#span.spanContext().traceId;
    return within ? active : this.#context;
  }

  #done({ name, target }: Operation, error: string | undefined): void {
    this.#measures.done(name, error);
    if (error === undefined || !REFUSALS.has(error)) return;
    this.#span.addEvent("arcp.refusal", {
      "arcp.operation": name,
      "arcp.operation.target": target,
      "error.type": error,
    });
  }
}

function startSpan(tracer: Tracer, attempt: JobAttempt, attributes: Attributes): Span {
  const { agent, parent, attempt: count, firstAttempt, remaining } = attempt;
  const isRemote = parent === undefined;
  const [name = agent] = agent.split("@");
  const above =
    attempt.trace === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(attempt.trace, isRemote));
  return tracer.startSpan(
    `job ${name}`,
    {
      kind: isRemote ? SpanKind.SERVER : SpanKind.INTERNAL,
      attributes: {
        ...attributes,
        ...budgetAttributes(remaining),
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        ...(parent !== undefined && { "arcp.parent_job_id": parent }),
        ...(count > 1 && { "arcp.job.attempt": count }),
      },
      links: firstAttempt === undefined ? [] : [{ context: spanContextOf(firstAttempt, true) }],
    },
    above,
  );
}
