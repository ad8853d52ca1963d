import { type Envelope, features, REQUEST_ID_FEATURE, type Transport } from "@arcp/core";
import { createRuntime, type Runtime, type RuntimeOptions, tokenTable } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import type { LogLimits } from "@arcp/store-sqlite";
import { expect } from "vitest";
import {
  type Introduction,
  type ResumeOptions,
  WireClient,
  type WireOptions,
} from "../src/index.ts";
import {
  type Exchange,
  exchanges,
  type Line,
  partsOf,
  type TransportName,
  type Way,
} from "./line.ts";
import { type Puppet, Puppets } from "./puppets.ts";
import { durable, type Shelf, shelves } from "./shelf.ts";

/** The bearer tokens that the stage's runtime knows, two of them of one principal. */
export const tokens = { alice: "token-of-alice", alice2: "another-of-alice", bob: "token-of-bob" };
/** Milliseconds after which what is waited for is taken not to come. */
export const PATIENCE_MS = 60_000;

const principals = {
  [tokens.alice]: "alice",
  [tokens.alice2]: "alice",
  [tokens.bob]: "bob",
};

/**
 * What the clients of a stage offer unless a test says otherwise: no heartbeats, since a test that moves the clock by
 * leaps would race the pong that has to come in between, and no acks, which nobody sends.
 */
const withoutHeartbeats = [
  ...features.filter((name) => name !== "heartbeat" && name !== "ack"),
  REQUEST_ID_FEATURE,
];

type Logger = NonNullable<RuntimeOptions["logger"]>;

/** What a test may choose of its runtime. The store is that of the way on which it is played. */
export interface StageOptions extends Partial<Omit<RuntimeOptions, "store">> {
  /** What the store keeps of one job's log. */
  readonly logLimits?: Partial<LogLimits>;
  /** Puts what the test leads by hand between the runtime and its store. */
  readonly leadStore?: (store: Store) => Store;
}

/** One process after the other, each with a real runtime, what it is reached by, and agents in the hand of the test. */
export class Stage implements AsyncDisposable {
  readonly #transport: TransportName;
  readonly #shelf: Shelf;
  readonly #options: StageOptions;
  #process: Process;
  /** Processes that crashed: nobody hears of them any more. */
  readonly #dead: Process[] = [];
  readonly #lines = new Map<Transport, Line>();
  readonly #wires = new Map<WireClient, Line>();

  private constructor(
    transport: TransportName,
    shelf: Shelf,
    options: StageOptions,
    process: Process,
  ) {
    this.#transport = transport;
    this.#shelf = shelf;
    this.#options = options;
    this.#process = process;
  }

  static async open(way: Way, options: StageOptions = {}): Promise<Stage> {
    const [transport, store] = partsOf(way);
    const shelf = shelves[store]();
    return new Stage(transport, shelf, options, await start(transport, shelf, options));
  }

  get runtime(): Runtime {
    return this.#process.runtime;
  }

  /** Runs of the agent `puppet` in the present process. */
  get puppets(): Puppets {
    return this.#process.puppets;
  }

  /** What the present runtime has logged, as JSON. */
  get logged(): readonly string[] {
    return this.#process.logged;
  }

  /**
   * The process dies without a word: all connections break, what was not durable is lost, and its agents play on before
   * an empty house. Another one starts on what it left.
   *
   * @param options what the new one does otherwise than the one before
   */
  async restart(options: StageOptions = {}): Promise<void> {
    for (const line of this.#lines.values()) line.sever();
    this.#dead.push(this.#process);
    // Still in the same turn, so that the dead one changes nothing between its last word and the copy.
    const starting = start(this.#transport, this.#shelf, { ...this.#options, ...options });
    await Promise.all([...this.#wires.keys()].map((wire) => wire.closed));
    this.#process = await starting;
  }

  /** A connection on which nothing was said yet. */
  async line(): Promise<Line> {
    const line = await this.#process.exchange.connect();
    this.#lines.set(line.transport, line);
    return line;
  }

  /** A wire client that has said nothing yet. */
  async wire(options?: WireOptions): Promise<WireClient> {
    const line = await this.line();
    return this.#keep(new WireClient(line.transport, { timeoutMs: PATIENCE_MS, ...options }), line);
  }

  /** A wire client with a session. */
  async greeted(
    introduction: Partial<Introduction> = {},
    options?: WireOptions,
  ): Promise<WireClient> {
    const wire = await this.wire(options);
    await wire.hello({ token: tokens.alice, features: withoutHeartbeats, ...introduction });
    return wire;
  }

  /** Resumes the session of `wire` on a new connection, whether or not the present one still lives. */
  async resumed(wire: WireClient, options?: ResumeOptions): Promise<WireClient> {
    const line = await this.line();
    return this.#keep(await wire.resume(line.transport, options), line);
  }

  /** Submits to `puppet` and gives its run. */
  async played(
    wire: WireClient,
    rest: Partial<Parameters<WireClient["submit"]>[0]> = {},
  ): Promise<{ accepted: Envelope<"job.accepted">; id: string; puppet: Puppet }> {
    const accepted = await wire.submit({ agent: "puppet", ...rest });
    return { accepted, id: accepted.payload.job_id, puppet: await this.puppets.next() };
  }

  lineOf(wire: WireClient): Line {
    const line = this.#wires.get(wire);
    if (line === undefined) throw new Error("not a client of this stage");
    return line;
  }

  /** Breaks the client's connection. What had arrived before can still be read. */
  async drop(wire: WireClient): Promise<void> {
    this.lineOf(wire).sever();
    await wire.closed;
  }

  /** Ends everything, and fails when a sniffer has seen what nobody was told. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines.values()) line.release();
    const closings = await Promise.allSettled([...this.#wires.keys()].map((wire) => wire.close()));
    for (const line of this.#lines.values()) line.transport.close();
    for (const { runtime, exchange } of [...this.#dead, this.#process]) {
      await runtime.close();
      await exchange.close();
    }
    this.#shelf[Symbol.dispose]();
    for (const closing of closings) {
      // Thrown, it would hide what the test itself failed with.
      if (closing.status === "rejected") expect.soft(`${closing.reason}`).toBe("no violation");
    }
  }

  #keep(wire: WireClient, line: Line): WireClient {
    this.#wires.set(wire, line);
    return wire;
  }
}

interface Process {
  readonly runtime: Runtime;
  readonly puppets: Puppets;
  readonly logged: string[];
  readonly exchange: Exchange;
}

async function start(
  transport: TransportName,
  shelf: Shelf,
  { logLimits, leadStore = (store) => store, ...options }: StageOptions,
): Promise<Process> {
  const puppets = new Puppets();
  const logged: string[] = [];
  const runtime = createRuntime({
    auth: tokenTable(principals),
    logger: recorder(logged),
    ...options,
    store: leadStore(shelf.open(logLimits)),
    agents: [puppets.agent, ...(options.agents ?? [])],
  });
  return { runtime, puppets, logged, exchange: await exchanges[transport](runtime) };
}

/** Resolves once `condition` holds, asked once per turn of the event loop: for what nobody can be asked to await. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything that is on its way in this process arrive, by way of the disk too. */
export async function settled(): Promise<void> {
  await turns(10);
  // What is durable is told, and what that leads to may be written in its turn.
  for (let leg = 0; leg < 2; leg++) {
    await durable();
    await turns(10);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A logger that keeps what it is told, as JSON. */
export function recorder(logged: string[]): Logger {
  const write = (level: string) => (values: unknown, text?: string) =>
    void logged.push(JSON.stringify({ level, values, text }, errorsToo));
  const logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => logger,
  };
  return logger as unknown as Logger;
}

function errorsToo(_key: string, value: unknown): unknown {
  return value instanceof Error ? `${value.stack}` : value;
}
