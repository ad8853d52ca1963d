import { resolve } from "node:path";
import { LocalError } from "@arcp/core";
import { createRuntime, type Observer, type Runtime } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { type ListeningServer, listen } from "@arcp/transport-ws";
import type { Logger } from "pino";
import type { CommandContext } from "../context.ts";
import { listenFailure } from "../port.ts";
import { ownVersion } from "../versions.ts";
import type { Access } from "./access.ts";
import type { AgentModules } from "./agent-modules.ts";
import { offer } from "./offered-agents.ts";

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** The file of the store; without one, jobs are kept in memory. */
  readonly store?: string;
  readonly origin?: readonly string[];
}

/** Who is told what happens in the runtime. */
interface ToldOf {
  readonly log: Logger;
  readonly observer: Observer;
}

/** Seconds that running jobs have to finish when the server stops; together with the next one, less than containers allow. */
export const FINISH_SEC = 5;
/** Seconds that agents have to stop after that. */
const CANCEL_SEC = 3;

/** A runtime that listens, until it is stopped. */
export class Serving {
  readonly runtime: Runtime;
  readonly #server: ListeningServer;

  private constructor(runtime: Runtime, server: ListeningServer) {
    this.runtime = runtime;
    this.#server = server;
  }

  /** @throws LocalError `MISUSE` for a store that cannot be opened, or a port that is not available */
  static async start(
    modules: AgentModules,
    { auth }: Access,
    options: ServeOptions & ToldOf,
    context: CommandContext,
  ): Promise<Serving> {
    const runtime = createRuntime({
      agents: modules.agents.map(({ agent }) => agent),
      tools: modules.tools,
      models: modules.models,
      auth,
      name: "arcp serve",
      version: ownVersion(),
      workspace: context.cwd,
      clock: context.clock,
      logger: options.log,
      observer: options.observer,
      ...(options.store !== undefined && { store: await openStore(options.store, context.cwd) }),
    });
    offer(runtime.agents, modules.agents);
    try {
      return new Serving(runtime, await open(runtime, options));
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  /** Rejects when the runtime can no longer serve anybody, with an error that the command reports in one line. */
  async failed(): Promise<never> {
    throw storeFailure(await this.runtime.failed);
  }

  get url(): string {
    return this.#server.url;
  }

  /** Resolves once what the previous process left has been taken over. Rejects as `failed` does if that is impossible. */
  async runningJobs(): Promise<number> {
    let count = 0;
    const unfinished = this.runtime.jobs.list({ status: ["pending", "running"] });
    try {
      for await (const _job of unfinished) count += 1;
    } catch (error) {
      throw storeFailure(error);
    }
    return count;
  }

  /** Gives running jobs some time to finish, and cancels the others. */
  async stop(): Promise<void> {
    await this.runtime.close({ finishSec: FINISH_SEC, cancelSec: CANCEL_SEC });
    await this.#server.close();
  }

  /** Stops waiting for anybody, because the process is about to end. */
  abandon(): void {
    void this.runtime.close().finally(() => this.#server.close());
  }
}

/** Not the user's mistake: the next process may succeed. */
function storeFailure(cause: unknown): LocalError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LocalError("CLOSED", `the store has failed: ${reason}`, { cause });
}

/** Imported only when needed: Node warns about its SQLite, and servers without a store do not need it. */
async function openStore(name: string, cwd: string): Promise<Store> {
  const { sqliteStore } = await import("@arcp/store-sqlite");
  return sqliteStore(resolve(cwd, name));
}

async function open(runtime: Runtime, options: ServeOptions): Promise<ListeningServer> {
  const { host, port, origin } = options;
  try {
    return await listen(
      { host, port, ...(origin !== undefined && { allowedOrigins: origin }) },
      runtime.serve,
    );
  } catch (error) {
    throw listenFailure(error, port, host) ?? error;
  }
}
