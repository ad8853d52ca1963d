import { createRuntime, type Runtime, tokenTable } from "@arcp/runtime";
import type { Line, Target } from "../src/index.ts";
import { shortSettings, TestUpstream, testRuntime } from "../src/test-agents/index.ts";
import { type Exchange, exchanges, partsOf, type TransportName, type Way } from "./line.ts";
import { type Shelf, shelves } from "./shelf.ts";
import { recorder } from "./stage.ts";

/**
 * Settings in which nothing ends by itself while a scenario is played, however long that takes: for those that do not wait
 * for such an end.
 */
export const longSettings = {
  ...shortSettings,
  limits: {
    ...shortSettings.limits,
    resumeWindowSec: 600,
    heartbeatIntervalSec: 60,
    cancelGraceSec: 3,
    openingDeadlineSec: 60,
    retentionSec: 600,
    provisionerSec: 60,
  },
} as const;

export { shortSettings };
export type HouseSettings = typeof shortSettings | typeof longSettings;

/** A runtime with the test agents, over one way of the matrix. */
export class House implements Target, AsyncDisposable {
  readonly tokens = ["token-of-alice", "token-of-bob"] as const;
  /** Of its present process, where it is reached by WebSocket. */
  url?: string;
  readonly restart?: () => Promise<void>;
  readonly #transport: TransportName;
  readonly #settings: HouseSettings;
  readonly #shelf: Shelf;
  readonly #upstream: TestUpstream | undefined;
  readonly #lines = new Set<Line>();
  #process: Process;
  /** Processes that crashed: nobody hears of them any more. */
  readonly #dead: Process[] = [];

  private constructor(
    transport: TransportName,
    settings: HouseSettings,
    shelf: Shelf,
    upstream: TestUpstream | undefined,
    process: Process,
  ) {
    this.#transport = transport;
    this.#settings = settings;
    this.#shelf = shelf;
    this.#upstream = upstream;
    this.#process = process;
    if (upstream !== undefined) this.restart = () => this.#restart();
    if (process.exchange.url !== undefined) this.url = process.exchange.url;
  }

  static async open(way: Way, settings: HouseSettings = shortSettings): Promise<House> {
    const [transport, store] = partsOf(way);
    const shelf = shelves[store]();
    // Credentials need a store that outlives the process (R-9.8-1).
    const upstream = store === "memory" ? undefined : new TestUpstream();
    const process = await start(transport, settings, shelf, upstream);
    return new House(transport, settings, shelf, upstream, process);
  }

  async connect(): Promise<Line> {
    const line = await this.#process.exchange.connect();
    this.#lines.add(line);
    return line;
  }

  async #restart(): Promise<void> {
    for (const line of this.#lines) line.sever();
    this.#lines.clear();
    this.#dead.push(this.#process);
    // In the same turn, so that the dead one changes nothing between its last word and the copy.
    this.#process = await start(this.#transport, this.#settings, this.#shelf, this.#upstream);
    const { url } = this.#process.exchange;
    if (url !== undefined) this.url = url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines) line.sever();
    for (const { runtime, exchange } of [...this.#dead, this.#process]) {
      await runtime.close();
      await exchange.close();
    }
    this.#shelf[Symbol.dispose]();
  }
}

interface Process {
  readonly runtime: Runtime;
  readonly exchange: Exchange;
}

async function start(
  transport: TransportName,
  settings: HouseSettings,
  shelf: Shelf,
  upstream: TestUpstream | undefined,
): Promise<Process> {
  const credentials = upstream && {
    upstream,
    rotate: (job: string) => runtime.credentials.rotate(job),
  };
  const runtime: Runtime = createRuntime({
    ...testRuntime(settings, credentials),
    store: shelf.open(settings.logLimits),
    auth: tokenTable({ "token-of-alice": "alice", "token-of-bob": "bob" }),
    logger: recorder([]),
  });
  return { runtime, exchange: await exchanges[transport](runtime) };
}
