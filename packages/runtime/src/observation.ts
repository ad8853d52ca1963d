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

// What a runtime tells its observer. Nobody but these classes calls it.
//
// O1  Nothing that an observer does is felt: it throws, rejects, does not call back or calls back twice, and the job goes on.
// O2  Whatever was begun is ended exactly once: operations before their job, jobs before the runtime. Behind the end of a job it is
//     still told what the job spends, and behind that of the runtime nothing.

/** What is handed on of a trace, and its id apart. */
type Trace = TraceContext & { readonly traceId: string };

interface ObservationOptions {
  readonly observer: Observer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The observer of a runtime, with its claws cut (O1). */
export class Observation {
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #jobs = new Set<JobObservation>();
  #closed = false;
  #complained = false;

  constructor({ observer, clock, logger }: ObservationOptions) {
    this.#observer = observer;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(figures: () => Figures): void {
    this.contain(() => this.#observer.start?.(figures));
  }

  /** @returns undefined when nobody wants to know, and of what a store that hung gives out behind the end */
  job(attempt: JobAttempt): JobObservation | undefined {
    if (this.#closed) return undefined;
    const observer = this.contain(() => this.#observer.job?.(attempt));
    if (!isObject(observer)) return undefined;
    const over = (): void => void this.#jobs.delete(job);
    const job = new JobObservation(this, observer, contextOf(attempt.trace)?.traceId, over);
    this.#jobs.add(job);
    return job;
  }

  /** Whether the runtime has closed, and nothing is told any more. */
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

  /** Calls the observer. @returns what it returns; undefined when it throws */
  contain<T>(call: () => T): T | undefined {
    try {
      const returned = call();
      // An async method fits the interface too.
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#complain(error));
      return returned;
    } catch (error) {
      this.#complain(error);
      return undefined;
    }
  }

  #complain(err: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#logger.error(
      { err },
      "the observer of the runtime failed; further failures are not logged",
    );
  }
}

/** Whoever is told of something that begins and ends. */
interface Scope<Outcome> {
  readonly trace?: TraceContext | undefined;
  within?(run: () => void): void;
  ended?(outcome: Outcome): void;
}

class ScopeObservation<Outcome, O extends Scope<Outcome>> {
  protected readonly observation: Observation;
  protected readonly observer: O;
  /** What it hands on; undefined when that is for others to say. */
  readonly trace: Trace | undefined;
  readonly #over: () => void;
  #ended = false;

  /**
   * @param fits whether it may be of the trace of this id
   * @param over called when it has ended
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

  /** Runs it, and the observer's `within` around it. */
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

  /** @param traceId of the trace that it belongs to; undefined when it may begin one */
  constructor(
    observation: Observation,
    observer: JobObserver,
    traceId: string | undefined,
    over: () => void,
  ) {
    super(observation, observer, (id) => traceId === undefined || id === traceId, over);
    this.#traceId = traceId ?? this.trace?.traceId;
  }

  /** @returns undefined when nobody wants to know, and of an agent that goes on behind its end */
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

  /** Also behind its end: what was under way is not free (O2). */
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

/** A function that runs once, whoever asks for it and how often. */
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

  /** What it returned, or threw. */
  outcome(): T {
    if (this.#outcome === undefined) throw new Error("it has not run yet");
    if ("error" in this.#outcome) throw this.#outcome.error;
    return this.#outcome.value;
  }
}

function contextOf(context: TraceContext | undefined): Trace | undefined {
  const trace = readTrace({ extensions: { [TRACE_CONTEXT]: context }, payload: {} });
  // Agents and tools get it as it is.
  return trace?.context && Object.freeze({ traceId: trace.traceId, ...trace.context });
}

function isObject<T>(value: T | undefined): value is T & object {
  return typeof value === "object" && value !== null;
}
