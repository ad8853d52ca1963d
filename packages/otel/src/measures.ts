import type { Figures, JobAttempt, JobOutcome } from "@arcp/runtime";
import type { Counter, Histogram, Meter } from "@opentelemetry/api";
import { gaugesOf } from "./gauges.ts";

/** Seconds: a job takes moments or hours. */
const DURATIONS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 21_600, 86_400];

/** The instruments that measure what a runtime does. */
export class Measures {
  readonly #meter: Meter;
  readonly #duration: Histogram;
  readonly #operations: Counter;
  readonly #spent: Counter;
  #stop: (() => void) | undefined;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#duration = meter.createHistogram("arcp.job.duration", {
      description: "From the acceptance of a job to its end",
      unit: "s",
      advice: { explicitBucketBoundaries: DURATIONS },
    });
    this.#operations = meter.createCounter("arcp.operations", {
      description: "Operations of agents that have ended, refused ones included",
      unit: "{operation}",
    });
    this.#spent = meter.createCounter("arcp.budget.spent", {
      description: "Costs that agents reported, by currency",
    });
  }

  /** From now on the current figures are measured as well. */
  watch(figures: () => Figures): void {
    this.#stop = gaugesOf(this.#meter, figures);
  }

  /** The runtime has closed. */
  stop(): void {
    this.#stop?.();
  }

  spent(currency: string, amount: string): void {
    this.#spent.add(Number(amount), { "arcp.currency": currency });
  }

  /** @param error the type of the error; undefined if it did not fail */
  done(operation: string, error: string | undefined): void {
    const failure = error === undefined ? {} : { "error.type": error };
    this.#operations.add(1, { "arcp.operation": operation, ...failure });
  }

  ended({ agent, acceptedAt }: JobAttempt, { status, error, endedAt }: JobOutcome): void {
    // The job of a suspended attempt goes on, and a refused job never began.
    if (status === "suspended" || status === "refused") return;
    this.#duration.record(Math.max(0, endedAt - acceptedAt) / 1000, {
      "arcp.agent": agent,
      "arcp.job.status": status,
      ...(error && { "error.type": error.code }),
    });
  }
}
