import {
  type Clock,
  type JobId,
  LocalError,
  type SessionId,
  systemClock,
  type Transport,
} from "@arcp/core";
import { type Logger, pino } from "pino";
import type { Authenticate } from "./auth.ts";
import { emptyVault } from "./authority/vault.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import { AgentRegistry, type AnyAgent } from "./jobs/agents.ts";
import { Committer } from "./jobs/committer.ts";
import { KeyedSubmits } from "./jobs/idempotency.ts";
import { endInterruptedJobs } from "./jobs/recovery.ts";
import { type EndedJob, Retention } from "./jobs/retention.ts";
import { JobTable } from "./jobs/table.ts";
import type { Tool } from "./jobs/tools.ts";
import { defaultPolicy, type Policy } from "./policy.ts";
import type { Session } from "./session/session.ts";
import { Sessions } from "./session/sessions.ts";
import type { JobQuery, Store } from "./store/index.ts";
import { memoryStore } from "./store/memory-store.ts";
import { Timestamps } from "./timestamps.ts";
import type { Services } from "./verbs/services.ts";

/** Milliseconds that a closing runtime waits for its connections, and then for its jobs, to end. */
const CLOSE_PATIENCE = 5000;

/** Limits of a runtime, each with a default. */
export interface Limits {
  /** Seconds that a session survives without a connection. Default 600. */
  readonly resumeWindowSec: number;
  /** Seconds that an agent has to stop after a cancel. Default 30. */
  readonly cancelGraceSec: number;
  /** Seconds that a finished job is kept for its history, and longer while a session reads it. Default: 7 days in a durable store, else twice the resume window. */
  readonly retentionSec: number;
  /** Seconds between two signs of life of a connection; a client that is silent for two of them is lost (R-6.4-4). Default 30. */
  readonly heartbeatIntervalSec: number;
  /** How many events a client that agreed to acknowledge them may be behind before it is told so (R-6.5-7). Default 1,000. */
  readonly backPressureThreshold: number;
  /** Jobs that one principal may have running at a time (R-7.1-5). Default 1,000. */
  readonly liveJobsPerPrincipal: number;
}

export interface RuntimeOptions {
  readonly agents: readonly AnyAgent[];
  /** Whose a bearer token is. `tokenTable` and `allowAnonymous` make one. */
  readonly auth: Authenticate;
  /** What agents call by `ctx.tools.call`, by name. */
  readonly tools?: Readonly<Record<string, Tool>>;
  /** Default: {@link memoryStore}. */
  readonly store?: Store;
  readonly policy?: Partial<Policy>;
  readonly limits?: Partial<Limits>;
  /** The absolute directory that relative paths and path patterns of leases belong to. */
  readonly workspace?: string;
  /** How the runtime calls itself in a welcome. */
  readonly name?: string;
  readonly version?: string;
  readonly clock?: Clock;
  /** Default: pino at level `warn` to the standard error. */
  readonly logger?: Logger;
}

/** Hosts agents and executes jobs for whoever connects. */
export interface Runtime {
  /** The agents on offer; more can be registered at any time. */
  readonly agents: AgentRegistry;
  /** Speaks ARCP over a transport until it ends. A lost transport never ends a job (R-4-4). */
  serve(transport: Transport): void;
  /** Ends all connections with a word, stops all agents, and closes the store. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws LocalError `MISUSE` without a way to authenticate (R-6.1-4) or with a limit that is not positive */
export function createRuntime(options: RuntimeOptions): Runtime {
  if (typeof options.auth !== "function") {
    throw new LocalError(
      "MISUSE",
      "createRuntime needs auth: tokenTable({ token: principal }), or allowAnonymous() to let everybody in",
    );
  }
  return new HostedRuntime(options, readLimits(options));
}

class HostedRuntime implements Runtime {
  readonly agents: AgentRegistry;
  readonly #services: Services;
  readonly #context: ConnectionContext;
  readonly #connections = new Map<Connection, Promise<void>>();
  readonly #limits: Limits;
  readonly #retention: Retention;
  readonly #ready: Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(options: RuntimeOptions, limits: Limits) {
    const { clock = systemClock, store = memoryStore() } = options;
    const logger =
      options.logger ??
      pino({ name: "arcp", level: "warn" }, pino.destination({ fd: 2, sync: true }));
    const timestamps = new Timestamps(clock);
    const committer = new Committer(store.logs, clock);
    this.#limits = limits;
    this.#retention = new Retention(
      clock,
      limits.retentionSec * 1000,
      (job) => sessions.follows(job.id),
      (job) => this.#remove(job),
    );
    this.agents = new AgentRegistry(options.agents);
    const jobs = new JobTable(limits.liveJobsPerPrincipal);
    const sessions = new Sessions({
      clock,
      store: store.sessions,
      logs: store.logs,
      logger,
      resumeWindow: limits.resumeWindowSec * 1000,
      backPressureThreshold: limits.backPressureThreshold,
      hasJobs: (session) => this.#hasJobs(session),
    });
    this.#services = {
      clock,
      logger,
      store,
      sessions,
      agents: this.agents,
      policy: { ...defaultPolicy, ...options.policy },
      tools: new Map(Object.entries(options.tools ?? {})),
      jobs,
      keyed: new KeyedSubmits(),
      jobContext: {
        clock,
        timestamps,
        committer,
        logger,
        index: store.jobs,
        cancelGrace: limits.cancelGraceSec * 1000,
      },
      workspace: options.workspace,
      closing: () => this.#closed !== undefined,
      finished: (job) => this.#retention.keep(job),
    };
    this.#ready = this.#restore();
    this.#ready.catch((error: unknown) => {
      logger.error({ err: error }, "the store could not be taken over; the runtime serves nobody");
    });
    this.#context = {
      services: this.#services,
      sessions,
      authenticate: options.auth,
      projector: { logs: store.logs, turn: committer.turn, vault: emptyVault },
      welcome: (session) => this.#welcome(session, options),
      heartbeatInterval: limits.heartbeatIntervalSec * 1000,
      ready: this.#ready,
    };
  }

  serve(transport: Transport): void {
    if (this.#closed !== undefined) return transport.close("going-away");
    const connection = new Connection(transport, this.#context);
    const done = connection.run().finally(() => this.#connections.delete(connection));
    this.#connections.set(connection, done);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const connection of this.#connections.keys()) connection.shutDown();
    await this.#ended(Promise.all(this.#connections.values()));
    const running = [...this.#services.jobs].filter((job) => job.live);
    for (const job of running) job.stop("the runtime shuts down");
    await this.#ended(Promise.all(running.map((job) => job.ended)));
    await this.#ready.catch(() => {});
    this.#retention.close();
    this.#services.sessions.close();
    await this.#services.store.close();
  }

  /** Waits for what is ending, but not for ever: a token check or a store may never settle. */
  #ended(work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const patience = this.#services.clock.after(CLOSE_PATIENCE, resolve);
    void work.then(() => {
      patience.cancel();
      resolve();
    });
    return promise;
  }

  #welcome({ principal, features }: Session, { name, version }: RuntimeOptions): object {
    return {
      runtime: { name: name ?? "arcp-ts-runtime", version: version ?? "0.0.0" },
      resume_window_sec: this.#limits.resumeWindowSec,
      ...(features.has("heartbeat") && {
        heartbeat_interval_sec: this.#limits.heartbeatIntervalSec,
      }),
      capabilities: {
        encodings: ["json"],
        features: [...features],
        agents: this.agents.inventory((agent) => this.#services.policy.maySubmit(principal, agent)),
      },
    };
  }

  /** Takes over what the process before this one left in the store (R-6.3-20, R-7.3-10). */
  async #restore(): Promise<void> {
    const { store, sessions, clock } = this.#services;
    await endInterruptedJobs(store.jobs, store.logs, () => clock.now());
    const now = clock.now();
    const ended: Array<{ job: EndedJob; age: number }> = [];
    const owned = new Map<SessionId, JobId[]>();
    for (let after: JobQuery["after"]; ; ) {
      const rows = await store.jobs.list({ limit: 1000, ...(after && { after }) });
      for (const { id, session, keepUntil, finishedAt = now } of rows) {
        ended.push({ job: { id, session, keepUntil }, age: now - finishedAt });
        const siblings = owned.get(session) ?? [];
        siblings.push(id);
        owned.set(session, siblings);
      }
      after = rows.at(-1);
      if (rows.length < 1000) break;
    }
    await sessions.restore(async (id) => owned.get(id) ?? []);
    for (const { job, age } of ended.sort((a, b) => b.age - a.age)) this.#retention.keep(job, age);
  }

  /** Forgets a finished job, its log, and with the last of a forgotten session's jobs its numbering. */
  #remove(job: EndedJob): void {
    const { id } = job;
    const { store, sessions, logger } = this.#services;
    const remove = async (): Promise<void> => {
      const row = await store.jobs.get(id);
      const session = row?.session ?? job.session;
      await store.logs.remove(id);
      await store.idempotency.removeJob(id);
      await store.jobs.remove(id);
      for (const numbered of new Set([session, row?.submittedIn ?? session])) {
        const gone = sessions.get(numbered) === undefined;
        if (gone && !(await this.#hasJobs(numbered))) await store.sessions.removeRuns(numbered);
      }
    };
    remove().catch((error: unknown) => {
      logger.error({ job: id, err: error }, "a finished job could not be removed");
    });
  }

  async #hasJobs(session: SessionId): Promise<boolean> {
    const { jobs, store } = this.#services;
    return jobs.has(session) || (await store.jobs.list({ session, limit: 1 })).length > 0;
  }
}

const WEEK = 7 * 24 * 60 * 60;

function readLimits({ limits: given = {}, store }: RuntimeOptions): Limits {
  const { resumeWindowSec = 600, cancelGraceSec = 30, heartbeatIntervalSec = 30 } = given;
  const { backPressureThreshold = 1000, liveJobsPerPrincipal = 1000 } = given;
  const retentionSec = given.retentionSec ?? (store?.durable ? WEEK : 2 * resumeWindowSec);
  const limits = {
    resumeWindowSec,
    cancelGraceSec,
    retentionSec,
    heartbeatIntervalSec,
    backPressureThreshold,
    liveJobsPerPrincipal,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new LocalError("MISUSE", `limits.${name} must be a number above zero`);
    }
  }
  // The wire tells these two in whole seconds.
  for (const name of ["resumeWindowSec", "heartbeatIntervalSec"] as const) {
    if (!Number.isInteger(limits[name])) {
      throw new LocalError("MISUSE", `limits.${name} must be a whole number of seconds`);
    }
  }
  return limits;
}
