import { ArcpError, type Clock, readTrace, TRACE_CONTEXT, type TraceContext } from "@arcp/core";
import type { Logger } from "pino";
import type {
  Figures,
  JobAttempt,
  JobObserver,
  JobOutcome,
  Observer,
  Operation,
  OperationObserver,
  OperationOutcome,
} from "./observer.ts";

// Calls the observer of a runtime. Nothing outside this file does.
//
// O1  An observer cannot affect a job, whether it throws, rejects, never calls back or calls back twice.
// O2  Whatever was begun is ended exactly once: operations before their job, jobs before the runtime. After the end of a job only
//     its spending is still reported, and after that of the runtime nothing.

/** The trace context to propagate, with its trace id parsed out. */
type Trace = TraceContext & { readonly traceId: string };

interface ObservationOptions {
  readonly observer: Observer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A runtime's observer, wrapped so that it can do no harm (O1). */
export class Observation {
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #jobs = new Set<JobObservation>();
  #closed = false;
  #hasLogged = false;

  constructor({ observer, clock, logger }: ObservationOptions) {
    this.#observer = observer;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(figures: () => Figures): void {
    this.contain(() => this.#observer.start?.(figures));
  }

  /** @returns undefined if nobody observes the job, or the runtime has closed: a store that hung may deliver jobs late */
  job(attempt: JobAttempt): JobObservation | undefined {
    if (this.#closed) return undefined;
    const observer = this.contain(() => this.#observer.job?.(attempt));
    if (!isObject(observer)) return undefined;
    const over = (): void => void this.#jobs.delete(job);
    const job = new JobObservation(this, observer, contextOf(attempt.trace)?.traceId, over);
    this.#jobs.add(job);
    return job;
  }

  /** Whether the runtime has closed, after which nothing is reported. */
  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const job of [...this.#jobs]) job.ended({ status: "lost" });
    this.contain(() => this.#observer.close?.());
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#clock.now();
  }

  /** Calls the observer. @returns its return value, or undefined if it throws */
  contain<T>(call: () => T): T | undefined {
    try {
      const returned = call();
      // The interface also admits async methods.
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#logFailure(error));
      return returned;
    } catch (error) {
      this.#logFailure(error);
      return undefined;
    }
  }

  #logFailure(err: unknown): void {
    if (this.#hasLogged) return;
    this.#hasLogged = true;
    this.#logger.error(
      { err },
      "the observer of the runtime failed; further failures are not logged",
    );
  }
}

/** An observer of something that begins and ends. */
interface Scope<Outcome> {
  readonly trace?: TraceContext | undefined;
  within?(run: () => void): void;
  ended?(outcome: Outcome): void;
}

class ScopeObservation<Outcome, O extends Scope<Outcome>> {
  protected readonly observation: Observation;
  protected readonly observer: O;
  /** The trace context to propagate; undefined if the observer sets none. */
  readonly trace: Trace | undefined;
  readonly #over: () => void;
  #ended = false;

  /**
   * @param fits whether the observer may use the trace with this id
   * @param over called at the end
   */
  constructor(
    observation: Observation,
    observer: O,
    fits: (traceId: string) => boolean,
    over: () => void,
  ) {
    this.observation = observation;
    this.observer = observer;
    this.#over = over;
    const own = observation.contain(() => contextOf(observer.trace));
    if (own !== undefined && fits(own.traceId)) this.trace = own;
  }

  get over(): boolean {
    return this.#ended;
  }

  /** Calls `run` inside the observer's `within`. */
  within<T>(run: () => T): T {
    const once = new Once(run);
    this.observation.contain(() => this.observer.within?.(() => once.run()));
    once.run();
    return once.outcome();
  }

  protected end(outcome: Outcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over();
    this.observation.contain(() => this.observer.ended?.(outcome));
  }
}

export class OperationObservation extends ScopeObservation<OperationOutcome, OperationObserver> {
  ended(outcome: OperationOutcome): void {
    this.end(outcome);
  }
}

export class JobObservation extends ScopeObservation<JobOutcome, JobObserver> {
  readonly #operations = new Set<OperationObservation>();
  readonly #traceId: string | undefined;

  /** @param traceId the trace that the job belongs to; undefined if it may start one */
  constructor(
    observation: Observation,
    observer: JobObserver,
    traceId: string | undefined,
    over: () => void,
  ) {
    super(observation, observer, (id) => traceId === undefined || id === traceId, over);
    this.#traceId = traceId ?? this.trace?.traceId;
  }

  /** @returns undefined if nobody observes the operation, or the job is over and its agent goes on regardless */
  operation(begun: Operation): OperationObservation | undefined {
    if (this.over) return undefined;
    const observer = this.observation.contain(() => this.observer.operation?.(begun));
    if (!isObject(observer)) return undefined;
    const over = (): void => void this.#operations.delete(operation);
    const fits = (id: string): boolean => id === this.#traceId;
    const operation = new OperationObservation(this.observation, observer, fits, over);
    this.#operations.add(operation);
    return operation;
  }

  /** Also after the end of the job: calls that outlast it still cost money (O2). */
  spent(currency: string, amount: string): void {
    if (!this.observation.closed)
      this.observation.contain(() => this.observer.spent?.(currency, amount));
  }

  cancelling(reason: string | undefined): void {
    if (!this.over) this.observation.contain(() => this.observer.cancelling?.(reason));
  }

  failed(error: unknown): void {
    if (!this.over) this.observation.contain(() => this.observer.failed?.(error));
  }

  ended(outcome: Omit<JobOutcome, "endedAt">): void {
    if (this.over) return;
    const error = new ArcpError("CANCELLED", "the job ended before the operation did");
    for (const operation of [...this.#operations]) operation.ended({ error, code: error.code });
    this.end({ ...outcome, endedAt: this.observation.now() });
  }
}

/** Runs a function at most once, however often and by whomever it is called. */
class Once<T> {
  readonly #run: () => T;
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  #begun = false;

  constructor(run: () => T) {
    this.#run = run;
  }

  run(): void {
    if (this.#begun) return;
    this.#begun = true;
    try {
      this.#outcome = { value: this.#run() };
    } catch (error) {
      this.#outcome = { error };
    }
  }

  /** What the function returned or threw. */
  outcome(): T {
    if (this.#outcome === undefined) throw new Error("it has not run yet");
    if ("error" in this.#outcome) throw this.#outcome.error;
    return this.#outcome.value;
  }
}

function contextOf(context: TraceContext | undefined): Trace | undefined {
  const trace = readTrace({ extensions: { [TRACE_CONTEXT]: context }, payload: {} });
  // Frozen because agents and tools receive this very object.
  return trace?.context && Object.freeze({ traceId: trace.traceId, ...trace.context });
}

function isObject<T>(value: T | undefined): value is T & object {
  return typeof value === "object" && value !== null;
}
