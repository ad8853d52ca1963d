import type { Capability, Lease, LogLevel, ProvisionedCredential } from "@arcp/core";
import type { Trace } from "../jobs/trace.ts";
import type { Delegate } from "./delegate.ts";
import type { Files } from "./files.ts";
import type { Models } from "./models.ts";
import type { Spend } from "./spend.ts";
import type { ArgumentsOf, Tool, ToolFunction, ToolResultOf } from "./tool.ts";

/** Writes a log event. @returns a promise that resolves when the agent may go on */
export type Log = (message: string, attributes?: Record<string, unknown>) => Promise<void>;

/**
 * What an agent can do. Every emission returns a promise: awaiting it is the backpressure, and it never rejects. Invalid arguments
 * throw immediately. After the job has ended, emissions are discarded and operations are refused. `Bodies` are those of the agent's
 * custom events.
 *
 * An agent that does not await runs into a `BackpressureError`, thrown at once and with nothing done. While 4,096 of its events, or
 * 64 Mi characters of them, wait to be written, it is thrown by each emission and by each call that would show on the stream (of a
 * tool, a model, a delegation, a reservation); `result.write` and `checkpoint` throw it while as many of theirs wait. The error
 * says how many wait, and `await error.relieved` waits until there is room.
 */
export interface AgentContext<Bodies = Record<string, Record<string, unknown>>> {
  /** The job that the agent runs for. */
  readonly job: {
    readonly id: string;
    /** The resolved reference of this agent. */
    readonly agent: string;
    readonly principal: string;
    readonly traceId: string;
  };
  /** To pass on to the services that it calls: the headers `traceparent` and, if there is one, `tracestate`. */
  readonly trace: Trace;
  /**
   * Aborts when the job has to stop. The reason is an `ArcpError`: the cancel's, or the error that the job ended with.
   */
  readonly signal: AbortSignal;
  /**
   * How often the agent has been started for this job, including this time: above 1 only with `attempts` in its
   * definition.
   */
  readonly attempt: number;
  /** The last value that an earlier attempt passed to `checkpoint`; undefined if there is none. */
  readonly lastCheckpoint: unknown;
  /**
   * Saves a JSON value of at most 1 MiB for the next attempt, in case the runtime stops. Resolves when it is durable,
   * along with everything emitted before it.
   */
  readonly checkpoint: (value: unknown) => Promise<void>;
  /** What the job may do and spend, as it was granted. */
  readonly lease: Lease;
  /**
   * The job's current credentials, by the name of their provisioner. Their values are redacted from whatever the agent
   * emits.
   */
  readonly credentials: ReadonlyMap<string, ProvisionedCredential>;
  /** Writes log events, by level: `ctx.log.info(message, attributes)`. */
  readonly log: Readonly<Record<LogLevel, Log>>;
  /** Reports what the agent is thinking. */
  readonly thought: (text: string) => Promise<void>;
  /**
   * Announces a phase of the work; `running`, `back_pressure` and `credential_rotated` are reserved for the runtime.
   */
  readonly status: (phase: string, message?: string) => Promise<void>;
  /** Reports progress; without `total` it is indeterminate. */
  readonly progress: (progress: {
    current: number;
    total?: number | undefined;
    units?: string | undefined;
    message?: string | undefined;
  }) => Promise<void>;
  /** A metric; one named `cost.*` whose unit is a budgeted currency is charged, exactly (R-9.6-3). */
  readonly metric: (metric: {
    name: string;
    value: number;
    unit?: string | undefined;
    dimensions?: Record<string, string> | undefined;
  }) => Promise<void>;
  /** Reports where an artifact is. Nobody fetches it. */
  readonly artifact: (reference: {
    uri: string;
    content_type: string;
    byte_size?: number | undefined;
    sha256?: string | undefined;
  }) => Promise<void>;
  /**
   * Emits an event of a vendor's kind, `x-vendor.<vendor>.<name>`; if the agent's definition has `events`, the kind must be one of
   * those. A method, so that code written for any context also accepts that of an agent with `events`.
   */
  emit<Kind extends keyof Bodies & string>(kind: Kind, body: Bodies[Kind]): Promise<void>;
  readonly tools: {
    /**
     * Calls a tool of the runtime, within `tool.call`. Rejects with the refusal, or with what the tool threw. Given the tool's
     * type, as in `ctx.tools.call<typeof page>("ocr.page", args)`, the arguments and the result are typed accordingly.
     */
    readonly call: <T extends Tool = ToolFunction>(
      name: string,
      args?: ArgumentsOf<T>,
    ) => Promise<ToolResultOf<T>>;
  };
  /** Files, within `fs.read` and `fs.write`. Relative paths are resolved against the workspace. */
  readonly fs: Pick<Files, "readFile" | "readText" | "writeFile" | "list" | "stat">;
  /** Like the global `fetch`, within `net.fetch`: redirects and the addresses behind host names are checked as well. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /**
   * Asks for permission to call a model. Throws if the lease does not grant it, or a LocalError `MISUSE` if the model
   * has no price or an option is unknown.
   */
  readonly model: Models["permit"];
  readonly result: {
    /** Streams a piece of the result, instead of returning it: text, or bytes. */
    readonly write: (piece: string | Uint8Array) => Promise<void>;
  };
  /** What the job has to spend. */
  readonly budget: {
    /** What remains, as exact decimal text by currency. */
    readonly remaining: () => Readonly<Record<string, string>>;
    /** What remains, minus what is set aside by reservations and for delegated jobs. */
    readonly available: () => Readonly<Record<string, string>>;
  };
  /** Reserves money before it is spent: a reservation that does not fit is refused before any money is gone. */
  readonly spend: Spend;
  /**
   * Starts a job of another agent, within this job's own lease (section 10). It runs alongside this one, shows its
   * events to the same client, is charged to this job's budget, and ends no later than this job.
   */
  readonly delegate: Delegate;
  /** For anything that is not wrapped here: throws if the lease does not allow it right now. */
  readonly authorize: (capability: Capability, target: string) => void;
  /** Resolves once everything emitted so far is durable. */
  readonly flush: () => Promise<void>;
}
