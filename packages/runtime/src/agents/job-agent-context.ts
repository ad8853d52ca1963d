import type { EventSchemas, Lease } from "@arcp/core";
import type { Job } from "../jobs/job.ts";
import type { Trace } from "../jobs/trace.ts";
import type { AgentContext } from "./context.ts";
import type { Delegate } from "./delegate.ts";
import { emitMetric, emitOwn, emitProgress, emitStatus, emitThought, logOf } from "./emissions.ts";
import { eventBody } from "./event-body.ts";
import { requestLine } from "./fetcher.ts";
import { begin, observed, unlessRefused } from "./observed-operation.ts";
import { paced } from "./paced.ts";
import { reserve } from "./spend.ts";
import type { Toolbox } from "./toolbox.ts";

/**
 * Creates the context of one job. Agents may destructure it, or spread it into an object of their own.
 * @param events the agent's own kinds of events; undefined for any kind
 */
export function agentContext(
  job: Job,
  toolbox: Toolbox,
  events: EventSchemas | undefined,
): AgentContext {
  return new Proxy(new JobAgentContext(job, toolbox, events), SPREADABLE);
}

/**
 * The context of one job. Each member is created on access and does not need `this`. It is a class because every object literal
 * with accessors would have its own hidden class, which keeps its job alive until the next full garbage collection.
 */
class JobAgentContext implements AgentContext {
  readonly #job: Job;
  readonly #toolbox: Toolbox;
  readonly #events: EventSchemas | undefined;
  /** Cached, because agents log in loops. */
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
    return (thought) => emitThought(this.#job, thought);
  }

  get status(): AgentContext["status"] {
    return (phase, message) => emitStatus(this.#job, phase, message);
  }

  get progress(): AgentContext["progress"] {
    return (progress) => emitProgress(this.#job, progress);
  }

  get metric(): AgentContext["metric"] {
    return (metric) => emitMetric(this.#job, metric);
  }

  get artifact(): AgentContext["artifact"] {
    return (reference) =>
      this.#job.events.emit("artifact_ref", eventBody("artifact_ref", reference));
  }

  get emit(): AgentContext["emit"] {
    return (kind, body) => emitOwn(this.#job, this.#events, kind, body);
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
        () => ({ name: "net.fetch", ...requestLine(input, init) }),
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
      reserve: (amounts, options) => {
        const asked = () => ({
          name: "spend.reserve",
          target: Object.keys(amounts ?? {}).join(", "),
        });
        return unlessRefused(this.#job, asked, () => {
          // A settlement is emitted even if the backlog is full, so check for room beforehand.
          this.#job.events.checkRoom();
          return reserve(this.#job, amounts, options);
        });
      },
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
      this.#unlessRefused(capability, target, () =>
        this.#job.authority.guard.authorize(capability, target),
      );
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

/** Makes the members look like own properties although they are created on access. */
const SPREADABLE: ProxyHandler<JobAgentContext> = {
  get: (context, name) => Reflect.get(context, name),
  ownKeys: () => [...OFFERED],
  getOwnPropertyDescriptor: (context, name) =>
    OFFERED.has(name)
      ? { value: Reflect.get(context, name), enumerable: true, configurable: true }
      : undefined,
};
