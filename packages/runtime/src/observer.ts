import type { Lease, TerminalStatus, TraceContext } from "@arcp/core";

/**
 * Is told what happens in a runtime as it happens, for traces and metrics: `createRuntime({ observer })`. Parts that it does not
 * need may be left out, and it may have fields of its own. If it needs functions of its own, make it an instance of a class: in a
 * plain object they are taken for misspelt parts and refused. What it throws affects no job, and only the first error is logged;
 * what it returns is not awaited.
 */
export interface Observer {
  /**
   * The runtime has been created.
   * @param figures returns the current figures, for gauges; call it now and then, not for each event
   */
  start?(figures: () => Figures): void;
  /**
   * An attempt of a job begins. It ends at once if an earlier process left the job behind and it is not run again.
   * @returns who is told about this attempt; undefined for nobody
   */
  job?(attempt: JobAttempt): JobObserver | undefined;
  /** The runtime has closed. Every job and every operation that began has been ended before. */
  close?(): void;
}

/** Is told about something that begins and ends. */
interface ScopeObserver<Outcome> {
  /**
   * The trace context that is passed on to whatever is called from here on. Read once, at the beginning. Default: the one that the
   * job was given, which is also used if this one belongs to another trace: a job keeps its own (R-11-4).
   */
  readonly trace?: TraceContext | undefined;
  /**
   * Calls `run` at once. Whatever is in effect during the call, such as an `AsyncLocalStorage`, is in effect for everything that
   * `run` starts.
   */
  within?(run: () => void): void;
  /** Called exactly once, however it ends. */
  ended?(outcome: Outcome): void;
}

/** Is told about one attempt of one job. Its `within` wraps the agent. */
export interface JobObserver extends ScopeObserver<JobOutcome> {
  /** The agent requests an operation that needs permission. */
  operation?(operation: Operation): OperationObserver | undefined;
  /**
   * Something was spent, as exact decimal text, whether from a budget or not. Each cost is reported once, by the job whose agent
   * spent it; also after `ended`, if a call that costs something outlasts its job.
   */
  spent?(currency: string, amount: string): void;
  /** A cancel was requested and acknowledged. */
  cancelling?(reason: string | undefined): void;
  /** The agent threw an error of its own: clients are told `INTERNAL_ERROR` and no more. */
  failed?(error: unknown): void;
}

/** Is told about one operation. Its `within` wraps the operation, tools included. */
export type OperationObserver = ScopeObserver<OperationOutcome>;

/**
 * A job whose agent is about to run. Here and below, texts are free of the job's secrets, and times are milliseconds since 1970.
 */
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
  /**
   * The trace context of its submit, whose child the job is. Undefined if the submit had none: then the observer begins the trace.
   */
  readonly trace?: TraceContext | undefined;
  /** The `trace` that the observer of the first attempt had, in an earlier process; undefined if there was none. */
  readonly firstAttempt?: TraceContext | undefined;
}

/** How an attempt ended. */
export interface JobOutcome {
  /**
   * As the client is told it. A `suspended` attempt is left to the next process, a `refused` job was not accepted after all, and
   * nobody knows what became of a `lost` one.
   */
  readonly status: TerminalStatus | "suspended" | "refused" | "lost";
  /** What clients are told of the error, if there is one. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly remaining?: Amounts | undefined;
  readonly endedAt: number;
}

/** Something that an agent does through its context and that needs permission. */
export interface Operation {
  /**
   * `tool.call`, `fs.read`, `fs.write`, `fs.list`, `fs.stat`, `net.fetch`, `model.use`, `agent.delegate`, `spend.reserve` if it is
   * refused, and whatever is passed to `ctx.authorize`.
   */
  readonly name: string;
  /** The tool, path, model, agent or currency; or the URL without anything after its path. */
  readonly target: string;
  /** The method of an HTTP request. */
  readonly method?: string | undefined;
  readonly remaining?: Amounts | undefined;
}

/** How an operation ended. */
export interface OperationOutcome {
  /**
   * The refusal, an `ArcpError`, or what the operation failed with, as text if it contained a secret. Undefined if it did not fail.
   */
  readonly error?: unknown;
  /** The code of an `ArcpError`, such as a refusal, or of a `LocalError`, such as back-pressure. */
  readonly code?: string | undefined;
  /** The status of the response to an HTTP request. */
  readonly httpStatus?: number | undefined;
}

/** Exact decimal text by currency. */
type Amounts = Readonly<Record<string, string>>;

/** A runtime's figures at one moment. */
export interface Figures {
  /** Unfinished jobs. */
  readonly jobs: { readonly pending: number; readonly running: number };
  readonly sessions: { readonly connected: number; readonly parked: number };
  /** How many sessions have been told that they lag behind, and still do (R-6.5-7). */
  readonly laggingSessions: number;
  /** Unacknowledged events of the session that lags most. Sessions without acknowledgements do not count. */
  readonly greatestLag: number;
  /** Events of all jobs that became durable since the runtime began. */
  readonly eventsWritten: number;
  /** Events of all jobs that wait to become durable. While too many of one job wait, its agent has to wait. */
  readonly eventsWaiting: number;
}
