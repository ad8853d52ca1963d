import {
  ArcpError,
  type Capability,
  type EventSchemas,
  isEventKind,
  isVendorName,
  type Lease,
  type LogLevel,
  type ProvisionedCredential,
} from "@arcp/core";
import { exactCost } from "../authority/amount.ts";
import { isCostMetric } from "../authority/grant.ts";
import { checkpointText } from "./checkpoint.ts";
import type { Delegate } from "./delegate.ts";
import { eventBody, vendorBody } from "./event-body.ts";
import type { Files } from "./files.ts";
import type { Job } from "./job.ts";
import type { Models } from "./models.ts";
import type { Spend } from "./spend.ts";
import { tolerated } from "./tolerance.ts";
import type { Toolbox } from "./toolbox.ts";
import type { Trace } from "./trace.ts";

/** Writes a log event. @returns when the agent may go on */
export type Log = (message: string, attributes?: Record<string, unknown>) => Promise<void>;

/**
 * What an agent may say and do. Every emission returns a promise: awaiting it is the back-pressure, and it never
 * rejects. Wrong arguments throw at once. After the job's end emissions are discarded and operations are refused. `Bodies`
 * are those of the agent's own kinds of events.
 *
 * An agent that does not await meets a `BackpressureError`, at once and with nothing done: where 4,096 of its events, or
 * 64 Mi characters of them, wait to be written, each emission and each call that would show on the stream (of a tool, a
 * model, a delegation, a reservation) throws it; `result.write` and `checkpoint` do where as many of theirs wait. It
 * says how many wait, and `await error.relieved` waits until there is room.
 */
export interface AgentContext<Bodies = Record<string, Record<string, unknown>>> {
  readonly job: {
    readonly id: string;
    /** The resolved reference of this agent. */
    readonly agent: string;
    readonly principal: string;
    readonly traceId: string;
  };
  /** To be handed on to the services that it calls: the headers `traceparent` and, if there is one, `tracestate`. */
  readonly trace: Trace;
  /** Aborts when the job has to stop. The reason is an `ArcpError`. */
  readonly signal: AbortSignal;
  /** How often the agent was started for this job, this time included: above 1 only with `attempts` in its definition. */
  readonly attempt: number;
  /** What an earlier attempt gave to `checkpoint` last; undefined when none did. */
  readonly lastCheckpoint: unknown;
  /**
   * Remembers a JSON value, of at most 1 MiB, for the attempt that follows should the runtime stop. Resolves when it is
   * durable, and everything emitted before it.
   */
  readonly checkpoint: (value: unknown) => Promise<void>;
  readonly lease: Lease;
  /** The job's credentials of now, by the name of their provisioner. None of their values gets into what the agent says. */
  readonly credentials: ReadonlyMap<string, ProvisionedCredential>;
  readonly log: Readonly<Record<LogLevel, Log>>;
  readonly thought: (text: string) => Promise<void>;
  /** Announces a phase of the work; `running`, `back_pressure` and `credential_rotated` belong to the runtime. */
  readonly status: (phase: string, message?: string) => Promise<void>;
  readonly progress: (progress: {
    current: number;
    total?: number;
    units?: string;
    message?: string;
  }) => Promise<void>;
  /** A metric; one named `cost.*` whose unit is a budgeted currency is charged, exactly (R-9.6-3). */
  readonly metric: (metric: {
    name: string;
    value: number;
    unit?: string;
    dimensions?: Record<string, string>;
  }) => Promise<void>;
  readonly artifact: (reference: {
    uri: string;
    content_type: string;
    byte_size?: number;
    sha256?: string;
  }) => Promise<void>;
  /**
   * An event of a vendor's kind, `x-vendor.<vendor>.<name>`: of one that the agent's definition has, if it has `events`.
   * A method, so that what is written for any context takes that of an agent with `events` too.
   */
  emit<Kind extends keyof Bodies & string>(kind: Kind, body: Bodies[Kind]): Promise<void>;
  readonly tools: { readonly call: (name: string, args?: unknown) => Promise<unknown> };
  readonly fs: Pick<Files, "readFile" | "readText" | "writeFile" | "list" | "stat">;
  /** As the global `fetch`, within `net.fetch`: redirects and the addresses behind names are checked as well. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /**
   * Asks for the leave to call a model: throws the refusal when the lease does not give it, and LocalError `MISUSE` when
   * nobody says what the model costs.
   */
  readonly model: Models["permit"];
  /** Streams the result instead of returning it: text, or bytes. */
  readonly result: { readonly write: (piece: string | Uint8Array) => Promise<void> };
  readonly budget: {
    /** What remains, as exact decimal text by currency. */
    readonly remaining: () => Readonly<Record<string, string>>;
    /** What remains less what is set aside, by reservations and for delegated jobs. */
    readonly available: () => Readonly<Record<string, string>>;
  };
  /** Sets money aside before it is spent: a reservation that does not fit is refused before any money is gone. */
  readonly spend: Pick<Spend, "reserve">;
  /**
   * Starts a job of another agent, within this job's own lease (section 10). It runs beside this one, shows its events to
   * the same client, is charged to this job's budget, and ends with this job at the latest.
   */
  readonly delegate: Delegate;
  /** For what is not wrapped here: throws the refusal when the lease does not allow it at this moment. */
  readonly authorize: (capability: Capability, target: string) => void;
  /** Resolves once everything emitted so far is durable. */
  readonly flush: () => Promise<void>;
}

const RESERVED_PHASES: readonly string[] = ["running", "back_pressure", "credential_rotated"];

/**
 * The context of one job. What it offers is made when it is asked for, and does not need `this`: agents take it apart as
 * they like. A class, because an object literal with accessors is a hidden class of its own each time, which keeps its job
 * alive until the next full collection of garbage.
 */
export class JobAgentContext implements AgentContext {
  readonly #job: Job;
  readonly #toolbox: Toolbox;
  readonly #events: EventSchemas | undefined;
  /** Kept, because agents log in loops. */
  #log: AgentContext["log"] | undefined;
  readonly lastCheckpoint: unknown;

  /** @param events the agent's own kinds of events; undefined for any */
  constructor(job: Job, toolbox: Toolbox, events: EventSchemas | undefined) {
    this.#job = job;
    this.#toolbox = toolbox;
    this.#events = events;
    this.lastCheckpoint = job.checkpoint === undefined ? undefined : JSON.parse(job.checkpoint);
  }

  get job(): AgentContext["job"] {
    const { id, agent, principal, traceId } = this.#job.identity;
    return { id, agent, principal, traceId };
  }

  get trace(): Trace {
    return this.#job.trace;
  }

  get signal(): AbortSignal {
    return this.#job.signal;
  }

  get attempt(): number {
    return this.#job.attempt;
  }

  get checkpoint(): AgentContext["checkpoint"] {
    return (value) => tolerated(this.#job.saveCheckpoint(checkpointText(value)));
  }

  get lease(): Lease {
    return this.#job.lease;
  }

  get credentials(): AgentContext["credentials"] {
    return new Map(this.#job.credentials);
  }

  get log(): AgentContext["log"] {
    this.#log ??= logOf(this.#job);
    return this.#log;
  }

  get thought(): AgentContext["thought"] {
    return (thought) => this.#job.emit("thought", { text: text(thought, "a thought") });
  }

  get status(): AgentContext["status"] {
    return (phase, message) => {
      if (RESERVED_PHASES.includes(phase)) throw invalid(`the phase ${phase} is the runtime's`);
      return this.#job.emit("status", eventBody("status", { phase, message }));
    };
  }

  get progress(): AgentContext["progress"] {
    return (progress) => {
      const body = eventBody("progress", progress);
      // Several SDKs refuse a current above the total (R-8.2-2).
      const { total, ...rest } = body;
      const fits = total === undefined || body.current <= total;
      return this.#job.emit("progress", fits ? body : rest, "progress");
    };
  }

  get metric(): AgentContext["metric"] {
    return (metric) => emitMetric(this.#job, metric);
  }

  get artifact(): AgentContext["artifact"] {
    return (reference) => this.#job.emit("artifact_ref", eventBody("artifact_ref", reference));
  }

  get emit(): AgentContext["emit"] {
    return (kind, body) => {
      if (!isVendorName(kind)) {
        throw invalid(
          isEventKind(kind)
            ? `a ${kind} event has a method of its own`
            : `${JSON.stringify(kind)} is not an event kind; a vendor's is x-vendor.<vendor>.<name>`,
        );
      }
      const own = this.#events === undefined ? body : vendorBody(this.#events, kind, body);
      return this.#job.emit(kind, object(own, "the body of an event"));
    };
  }

  get tools(): AgentContext["tools"] {
    const { tools } = this.#toolbox;
    return { call: (name, args) => tolerated(tools.call(name, args)) };
  }

  get fs(): AgentContext["fs"] {
    const { files } = this.#toolbox;
    return {
      readFile: (path) => tolerated(files.readFile(path)),
      readText: (path) => tolerated(files.readText(path)),
      writeFile: (path, data, options) => tolerated(files.writeFile(path, data, options)),
      list: (path) => tolerated(files.list(path)),
      stat: (path) => tolerated(files.stat(path)),
    };
  }

  get fetch(): AgentContext["fetch"] {
    return (input, init) => tolerated(this.#toolbox.fetcher.fetch(input, init));
  }

  get model(): AgentContext["model"] {
    return (id, options) => this.#toolbox.models.permit(id, options);
  }

  get result(): AgentContext["result"] {
    const { result } = this.#toolbox;
    return { write: (piece) => tolerated(result.write(piece)) };
  }

  get budget(): AgentContext["budget"] {
    const { budget } = this.#job;
    return {
      remaining: () => Object.fromEntries(budget.remaining()),
      available: () => Object.fromEntries(budget.available()),
    };
  }

  get spend(): AgentContext["spend"] {
    return {
      reserve: (amounts, options) => {
        // A settlement is told whatever waits to be written, so that is asked before.
        this.#job.checkRoom();
        return this.#toolbox.spend.reserve(amounts, options);
      },
    };
  }

  get delegate(): Delegate {
    return (agent, input, options) =>
      tolerated(this.#toolbox.delegation.delegate(agent, input, options));
  }

  get authorize(): AgentContext["authorize"] {
    return (capability, target) => {
      const refusal = this.#job.guard.check(capability, target);
      if (refusal !== undefined) throw refusal;
    };
  }

  get flush(): AgentContext["flush"] {
    return () => tolerated(this.#job.flush());
  }
}

function logOf(job: Job): AgentContext["log"] {
  const log =
    (level: LogLevel): Log =>
    (message, attributes) =>
      job.emit("log", {
        level,
        message: text(message, "a log message"),
        attributes: attributes === undefined ? undefined : object(attributes, "log attributes"),
      });
  return {
    trace: log("trace"),
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    critical: log("critical"),
  };
}

function emitMetric(job: Job, metric: Parameters<AgentContext["metric"]>[0]): Promise<void> {
  const body = eventBody("metric", metric);
  if (body.name.startsWith("cost.budget."))
    throw invalid(`the metric ${body.name} is the runtime's`);
  if (!isCostMetric(body.name)) return job.emit("metric", body);
  const amount = exactCost(body.value);
  if (amount === undefined) throw invalid("a cost must be a finite number of zero or more");
  return job.emitCost(body, amount);
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw invalid(`${what} must be a string`);
}

function object(value: unknown, what: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw invalid(`${what} must be an object`);
}

function invalid(message: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", message);
}
