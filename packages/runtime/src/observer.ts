import type { Lease, TerminalStatus, TraceContext } from "@arcp/core";

/**
 * Is told what happens in a runtime while it happens, for traces and metrics: `createRuntime({ observer })`. It leaves out what
 * it does not care about, and may have fields of its own. Functions of its own are for an instance of a class: in a plain object
 * one is taken for a misspelt part, and refused. What it throws is logged, the first time, and hurts no job; what it returns is not waited for.
 */
export interface Observer {
  /**
   * The runtime is there.
   * @param figures what it looks like at the moment of the call, for gauges; to be called now and then, not for each event
   */
  start?(figures: () => Figures): void;
  /**
   * An attempt of a job begins. Or it is over at once: of a job that a process which died left behind, and that is not run again.
   * @returns who is told what becomes of it; undefined for nobody
   */
  job?(attempt: JobAttempt): JobObserver | undefined;
  /** The runtime has closed. Every job and every operation that was begun was ended before. */
  close?(): void;
}

/** Whoever is told of something that begins and ends. */
interface ScopeObserver<Outcome> {
  /**
   * What those who are called from here on are told of the trace. Read once, at the beginning. Default: what the job was told;
   * and so where it is of another trace, for a job keeps its own (R-11-4).
   */
  readonly trace?: TraceContext | undefined;
  /** Calls `run` at once: what holds during the call, by an `AsyncLocalStorage` for example, holds for all that it starts. */
  within?(run: () => void): void;
  /** Called exactly once, in whatever way it ends. */
  ended?(outcome: Outcome): void;
}

/** Is told what becomes of one attempt of one job. Its `within` is around the agent. */
export interface JobObserver extends ScopeObserver<JobOutcome> {
  /** The agent wants to do something for which it needs leave. */
  operation?(operation: Operation): OperationObserver | undefined;
  /**
   * Something was spent, as exact decimal text, be it of a budget or not: each cost once, by the job whose agent spent it. Also behind
   * `ended`, where a call that costs something outlasts its job.
   */
  spent?(currency: string, amount: string): void;
  /** A cancel was asked for and acknowledged. */
  cancelling?(reason: string | undefined): void;
  /** The agent threw something of its own: clients are told `INTERNAL_ERROR` and no more. */
  failed?(error: unknown): void;
}

/** Is told what becomes of one operation. Its `within` is around the operation, tools included. */
export type OperationObserver = ScopeObserver<OperationOutcome>;

/** A job whose agent is to run. Texts are free of the job's secrets, here and in all that follows; times are milliseconds since 1970. */
export interface JobAttempt {
  readonly id: string;
  /** The resolved reference. */
  readonly agent: string;
  readonly principal: string;
  /** The session that owns it. */
  readonly session: string;
  /** The job that delegated it. */
  readonly parent?: string | undefined;
  /** 1, or more for a job that an earlier process left behind. */
  readonly attempt: number;
  readonly acceptedAt: number;
  readonly lease: Lease;
  readonly expiresAt?: number | undefined;
  /** What is left of its budget; undefined when it has none. */
  readonly remaining?: Amounts | undefined;
  /** Whose child it is in the trace. Undefined when its submit named none: then its trace is the observer's to begin. */
  readonly trace?: TraceContext | undefined;
  /** What the observer of its first attempt had as `trace`, in a process before this one; undefined when there was none. */
  readonly firstAttempt?: TraceContext | undefined;
}

/** How an attempt ended. */
export interface JobOutcome {
  /**
   * As the client is told it. `suspended` is left to the next process, `refused` was not accepted in the end, of `lost`
   * nobody knows.
   */
  readonly status: TerminalStatus | "suspended" | "refused" | "lost";
  /** What clients are told of the error, where it is one. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly remaining?: Amounts | undefined;
  readonly endedAt: number;
}

/** Something that an agent does by its context, and for which it needs leave. */
export interface Operation {
  /**
   * `tool.call`, `fs.read`, `fs.write`, `fs.list`, `fs.stat`, `net.fetch`, `model.use`, `agent.delegate`, `spend.reserve` where
   * it is refused, and what `ctx.authorize` is asked for.
   */
  readonly name: string;
  /** The tool, path, model, agent, currency; the URL without what follows its path. */
  readonly target: string;
  /** Of a request. */
  readonly method?: string | undefined;
  readonly remaining?: Amounts | undefined;
}

/** How an operation ended. */
export interface OperationOutcome {
  /** The refusal, an `ArcpError`, or what it failed with; its text where a secret stood in it. Undefined when it did not fail. */
  readonly error?: unknown;
  /** Of an `ArcpError`, such as a refusal, or a `LocalError`, such as back-pressure. */
  readonly code?: string | undefined;
  /** What a request was answered with. */
  readonly httpStatus?: number | undefined;
}

/** Exact decimal text by currency. */
type Amounts = Readonly<Record<string, string>>;

/** What a runtime looks like at a moment. */
export interface Figures {
  /** That are not finished. */
  readonly jobs: { readonly pending: number; readonly running: number };
  readonly sessions: { readonly connected: number; readonly parked: number };
  /** How many of them were told that they lag behind, and still do (R-6.5-7). */
  readonly laggingSessions: number;
  /** Events that the one which lags most has not acknowledged. Those without acknowledgements do not count. */
  readonly greatestLag: number;
  /** Events of all jobs that became durable since the runtime began. */
  readonly eventsWritten: number;
  /** Events of all jobs that wait to become durable: with too many of one job its agent has to wait. */
  readonly eventsWaiting: number;
}
