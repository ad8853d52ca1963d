import { types } from "node:util";
import {
  ArcpError,
  type EventSchemas,
  isEventKind,
  isVendorName,
  type Lease,
  type LogLevel,
} from "@arcp/core";
import { exactCost } from "../authority/amount.ts";
import { isCostMetric } from "../authority/grant.ts";
import { quoted } from "../authority/quoted.ts";
import { isRawJson } from "../exact-number.ts";
import type { AgentContext, Log } from "./context.ts";
import type { Delegate } from "./delegate.ts";
import { eventBody, vendorBody } from "./event-body.ts";
import { requestLine } from "./fetcher.ts";
import type { Job } from "./job.ts";
import { jsonMethod } from "./json-method.ts";
import { noJson } from "./no-json.ts";
import { begin, observed, unlessRefused } from "./observed-operation.ts";
import { paced } from "./paced.ts";
import { reserve } from "./spend.ts";
import type { Toolbox } from "./toolbox.ts";
import type { Trace } from "./trace.ts";

const RESERVED_PHASES: readonly string[] = ["running", "back_pressure", "credential_rotated"];

/**
 * Makes the context of one job: agents take it apart, or spread it into one of their own, as they like.
 * @param events the agent's own kinds of events; undefined for any
 */
export function agentContext(
  job: Job,
  toolbox: Toolbox,
  events: EventSchemas | undefined,
): AgentContext {
  return new Proxy(new JobAgentContext(job, toolbox, events), SPREADABLE);
}

/**
 * The context of one job. What it offers is made when it is asked for, and does not need `this`. A class,
 * because an object literal with accessors is a hidden class of its own each time, which keeps its job alive until the next
 * full collection of garbage.
 */
class JobAgentContext implements AgentContext {
  readonly #job: Job;
  readonly #toolbox: Toolbox;
  readonly #events: EventSchemas | undefined;
  /** Kept, because agents log in loops. */
  #log: AgentContext["log"] | undefined;
  readonly lastCheckpoint: unknown;

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
    return this.#job.life.signal;
  }

  get attempt(): number {
    return this.#job.attempt;
  }

  get checkpoint(): AgentContext["checkpoint"] {
    return (value) => paced(this.#job, this.#job.checkpoints.save(value));
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
    return (thought) => this.#job.events.emit("thought", { text: text(thought, "a thought") });
  }

  get status(): AgentContext["status"] {
    return (phase, message) => {
      if (RESERVED_PHASES.includes(phase)) throw invalid(`the phase ${phase} is the runtime's`);
      return this.#job.events.emit("status", eventBody("status", { phase, message }));
    };
  }

  get progress(): AgentContext["progress"] {
    return (progress) => {
      const body = eventBody("progress", progress);
      // Several SDKs refuse a current above the total (R-8.2-2).
      const { total, ...rest } = body;
      const fits = total === undefined || body.current <= total;
      return this.#job.events.emit("progress", fits ? body : rest, "progress");
    };
  }

  get metric(): AgentContext["metric"] {
    return (metric) => emitMetric(this.#job, metric);
  }

  get artifact(): AgentContext["artifact"] {
    return (reference) =>
      this.#job.events.emit("artifact_ref", eventBody("artifact_ref", reference));
  }

  get emit(): AgentContext["emit"] {
    return (kind, body) => {
      // A list of one name reads like that name, and is sent as a list.
      if (typeof kind !== "string" || !isVendorName(kind)) {
        throw invalid(
          typeof kind === "string" && isEventKind(kind)
            ? `a ${kind} event has a method of its own`
            : `${quoted(kind)} is not an event kind; a vendor's is x-vendor.<vendor>.<name>`,
        );
      }
      const own = this.#events === undefined ? body : vendorBody(this.#events, kind, body);
      return this.#job.events.emit(kind, object(own, "the body of an event"));
    };
  }

  get tools(): AgentContext["tools"] {
    const { tools } = this.#toolbox;
    return {
      call: (name, args) =>
        this.#observed("tool.call", name, (trace) => tools.call(name, args, trace)),
    };
  }

  get fs(): AgentContext["fs"] {
    const { files } = this.#toolbox;
    return {
      readFile: (path) => this.#observed("fs.read", path, () => files.readFile(path)),
      readText: (path) => this.#observed("fs.read", path, () => files.readText(path)),
      writeFile: (path, data, options) =>
        this.#observed("fs.write", path, () => files.writeFile(path, data, options)),
      list: (path) => this.#observed("fs.list", path, () => files.list(path)),
      stat: (path) => this.#observed("fs.stat", path, () => files.stat(path)),
    };
  }

  get fetch(): AgentContext["fetch"] {
    return (input, init) =>
      observed(
        this.#job,
        { name: "net.fetch", ...requestLine(input, init) },
        (trace) => this.#toolbox.fetcher.fetch(input, init, trace),
        ({ status }) => ({ httpStatus: status }),
      );
  }

  get model(): AgentContext["model"] {
    return (id, options) => {
      const permit = this.#unlessRefused("model.use", id, () =>
        this.#toolbox.models.permit(id, options),
      );
      return {
        id,
        call: (ask, usageOf) => this.#observed("model.use", id, () => permit.call(ask, usageOf)),
      };
    };
  }

  get result(): AgentContext["result"] {
    const { result } = this.#toolbox;
    return { write: (piece) => paced(this.#job, result.write(piece)) };
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
      reserve: (amounts, options) =>
        this.#unlessRefused("spend.reserve", Object.keys(amounts ?? {}).join(", "), () => {
          // A settlement is told whatever waits to be written, so that is asked before.
          this.#job.events.checkRoom();
          return reserve(this.#job, amounts, options);
        }),
    };
  }

  get delegate(): Delegate {
    return (agent, input, options) => {
      const name = typeof agent === "string" ? agent : agent?.name;
      return this.#observed("agent.delegate", name, () =>
        this.#toolbox.delegation.delegate(agent, input, options),
      );
    };
  }

  get authorize(): AgentContext["authorize"] {
    return (capability, target) => {
      this.#unlessRefused(capability, target, () => {
        const refusal = this.#job.authority.guard.check(capability, target);
        if (refusal !== undefined) throw refusal;
      });
      begin(this.#job, { name: capability, target })?.ended({});
    };
  }

  get flush(): AgentContext["flush"] {
    return () => paced(this.#job, this.#job.events.flush());
  }

  #observed<T>(
    name: string,
    target: unknown,
    act: (trace: Trace | undefined) => Promise<T>,
  ): Promise<T> {
    return observed(this.#job, { name, target }, act);
  }

  #unlessRefused<T>(name: string, target: unknown, act: () => T): T {
    return unlessRefused(this.#job, { name, target }, act);
  }
}

const OFFERED: ReadonlySet<string | symbol> = new Set([
  ...Object.getOwnPropertyNames(JobAgentContext.prototype).filter((name) => name !== "constructor"),
  "lastCheckpoint",
]);

/** Shows what a context offers as its own, though it is made when it is asked for. */
const SPREADABLE: ProxyHandler<JobAgentContext> = {
  get: (context, name) => Reflect.get(context, name),
  ownKeys: () => [...OFFERED],
  getOwnPropertyDescriptor: (context, name) =>
    OFFERED.has(name)
      ? { value: Reflect.get(context, name), enumerable: true, configurable: true }
      : undefined,
};

function logOf(job: Job): AgentContext["log"] {
  const log =
    (level: LogLevel): Log =>
    (message, attributes) =>
      job.events.emit("log", {
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
  const { dimensions, ...measured } = eventBody("metric", metric);
  // What was looked at is what is sent, whatever JSON would make of the agent's own object.
  const body = { ...measured, dimensions: dimensions && { ...dimensions } };
  if (body.name.startsWith("cost.budget."))
    throw invalid(`the metric ${body.name} is the runtime's`);
  if (!isCostMetric(body.name)) return job.events.emit("metric", body);
  const amount = exactCost(body.value);
  if (amount === undefined) throw invalid("a cost must be a finite number of zero or more");
  return job.costs.emit(body, amount);
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw invalid(`${what} must be a string`);
}

/** What is sent is what JSON makes of it: a `Date` or a `String` is no object there (R-8.1-1). */
function object(value: unknown, what: string): object {
  const own = ownJson(value, what);
  const checked = (given: unknown): object => {
    if (isPlainObject(given)) return given;
    throw invalid(`${what} must be an object`);
  };
  return own === undefined ? checked(value) : { toJSON: (key: string) => checked(own(key)) };
}

function ownJson(value: unknown, what: string): ReturnType<typeof jsonMethod> {
  try {
    return jsonMethod(value);
  } catch (thrown) {
    throw noJson(what, thrown);
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) && !types.isBoxedPrimitive(value) && !isRawJson(value);
}

function invalid(message: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", message);
}
