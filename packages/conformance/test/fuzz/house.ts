import { type Clock, ManualClock, sleep } from "@arcp/core";
import {
  type Authenticate,
  createRuntime,
  type Limits,
  memoryStore,
  type Runtime,
  tokenTable,
} from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { sqliteStore } from "@arcp/store-sqlite";
import { listen } from "@arcp/transport-ws";
import { Scratch } from "../scratch.ts";
import { recorder } from "../stage.ts";
import type { HouseName } from "./action.ts";
import { fuzzAgents } from "./agents.ts";
import { dialBare } from "./bare-web-socket.ts";
import { byNetwork, byTurns, type Lag, laggingStore } from "./lagging-store.ts";
import type { OpenLine } from "./line.ts";
import { linkInMemory } from "./memory-line.ts";
import { principals, tokens } from "./message.ts";

/** Bytes that a message may have. */
export const MAX_FRAME = 512 * 1024;

interface Character {
  readonly limits: Limits;
  /** Records kept of a job's log, and characters of all. */
  readonly records?: number;
  readonly characters?: number;
  readonly durable?: true;
  readonly lag?: Lag;
}

/** In a roomy one nothing is forgotten, unless hours pass. */
const characters: Readonly<Record<HouseName, Character>> = {
  roomy: { limits: {} },
  short: {
    limits: {
      resumeWindowSec: 1,
      retentionSec: 1,
      heartbeatIntervalSec: 1,
      cancelGraceSec: 1,
      openingDeadlineSec: 1,
      idleSec: 20,
    },
  },
  tight: {
    limits: {
      resumeWindowSec: 2,
      retentionSec: 1,
      heartbeatIntervalSec: 2,
      cancelGraceSec: 1,
      backPressureThreshold: 4,
      liveJobsPerPrincipal: 5,
      connectedSessionsPerPrincipal: 3,
      sessionsPerPrincipal: 4,
      subscriptionsPerSession: 2,
      requestsPerSession: 3,
      patternsPerLease: 8,
      delegationDepth: 2,
      resultBytes: 400,
    },
    records: 12,
    characters: 600_000,
  },
  slow: { limits: { resumeWindowSec: 3, openingDeadlineSec: 1 }, records: 60, lag: byTurns(3) },
  late: { limits: { resumeWindowSec: 5, retentionSec: 5 }, records: 60, lag: byNetwork(20) },
  durable: { limits: { resumeWindowSec: 5, retentionSec: 5 }, records: 40, durable: true },
};

/** A runtime whose time is in the hand of the program, and the way to it. */
export interface House {
  readonly name: HouseName;
  readonly runtime: Runtime;
  readonly clock: ManualClock;
  readonly store: Store;
  /** The errors that it has logged since this was asked last, as JSON: those of agents are theirs. */
  errors(): string[];
  readonly open: OpenLine;
  close(): Promise<void>;
}

export type Way = "ws" | "memory";

export async function openHouse(name: HouseName, way: Way): Promise<House> {
  const {
    limits,
    records = 250_000,
    characters: totalLogCharacters = 1024 ** 3,
    durable,
    lag,
  } = characters[name];
  const clock = new ManualClock();
  const scratch = durable && new Scratch();
  const kept = { logLimits: { records }, totalLogCharacters };
  const memory = () => memoryStore(kept);
  const logged: string[] = [];
  const store = lag
    ? laggingStore(memory(), lag)
    : scratch
      ? sqliteStore(scratch.newFile(), kept)
      : memory();
  const runtime = createRuntime({
    agents: fuzzAgents(clock),
    auth: slowTable(clock),
    clock,
    limits,
    logger: recorder(logged),
    store,
    tools: { "web.search": () => ({ hits: 3 }) },
  });
  const reached =
    way === "memory"
      ? { open: linkInMemory((transport) => runtime.serve(transport)), close: async () => {} }
      : await reachedBySocket(runtime, clock);
  const close = async (): Promise<void> => {
    await runtime.close();
    await reached.close();
    if (scratch) scratch[Symbol.dispose]();
  };
  const errors = (): string[] => logged.splice(0).filter(isUnexpected);
  return { name, runtime, clock, store, errors, open: reached.open, close };
}

async function reachedBySocket(runtime: Runtime, clock: ManualClock) {
  const server = await listen({ port: 0, clock, maxMessageSize: MAX_FRAME }, (transport) =>
    runtime.serve(transport),
  );
  return { open: dialBare(server.url), close: () => server.close() };
}

/** What agents of the fuzzer fail with on purpose. */
const MEANT = /"text":"an agent failed"/;
const MEANT_ERROR =
  /"err":"Error: (secret: |the agent violated its output schema)|"agent":"[\w.@-]+"\}/;

function slowTable(clock: Clock): Authenticate {
  const known = tokenTable(principals);
  return async (token) => {
    if (token === tokens.slow) await sleep(clock, 1_200);
    return known(token);
  };
}

function isUnexpected(line: string): boolean {
  const meant = MEANT.test(line) && MEANT_ERROR.test(line);
  return line.includes('"level":"error"') && !meant;
}
