import type { Figures, JobAttempt, Observer, Operation } from "../src/observer.ts";

/** What an observer was told of one operation. */
export interface ToldOperation {
  readonly operation: Operation;
  readonly outcomes: Array<{ readonly code?: string | undefined; readonly error?: unknown }>;
}

/** What it was told of one attempt of a job. */
export interface ToldJob {
  readonly attempt: JobAttempt;
  readonly operations: ToldOperation[];
  /** The other calls, in order. */
  readonly calls: string[];
  readonly failures: unknown[];
  readonly outcomes: Array<{
    readonly status: string;
    readonly error?: { code: string } | undefined;
  }>;
}

/** The number of a span, in the form of W3C Trace Context. */
export const spanId = (n: number): string => n.toString(16).padStart(16, "0");

/** An observer that records what it is told, and numbers what it begins as spans of the trace that it gets, or of `own`. */
export function chronicle(own = "a".repeat(32)) {
  const jobs: ToldJob[] = [];
  let figures: (() => Figures) | undefined;
  let closed = 0;
  let spans = 0;
  const span = (traceId: string) => {
    spans += 1;
    return { traceparent: `00-${traceId}-${spanId(spans)}-01` };
  };
  const observer: Observer = {
    start(read) {
      figures = read;
    },
    job(attempt) {
      const told: ToldJob = { attempt, operations: [], calls: [], failures: [], outcomes: [] };
      jobs.push(told);
      const traceId = attempt.trace?.traceparent.slice(3, 35) ?? own;
      return {
        trace: span(traceId),
        operation(operation) {
          const outcomes: ToldOperation["outcomes"] = [];
          told.operations.push({ operation, outcomes });
          const ended = (outcome: ToldOperation["outcomes"][number]) => void outcomes.push(outcome);
          return { trace: span(traceId), ended };
        },
        spent: (currency, amount) => void told.calls.push(`spent ${amount} ${currency}`),
        cancelling: (reason) => void told.calls.push(`cancelling ${reason}`),
        failed: (error) => void told.failures.push(error),
        ended: (outcome) => void told.outcomes.push(outcome),
      };
    },
    close() {
      closed += 1;
    },
  };
  return {
    observer,
    jobs,
    figures: () => figures?.(),
    closed: () => closed,
    /** The first job that it was told of. */
    get job(): ToldJob {
      const [first] = jobs;
      if (first === undefined) throw new Error("it was told of no job");
      return first;
    },
  };
}
