import type { Clock } from "@arcp/core";
import {
  createRuntime,
  memoryStore,
  type Runtime,
  type RuntimeOptions,
  tokenTable,
} from "@arcp/runtime";
import { type ListeningServer, listen } from "@arcp/transport-ws";
import { recorder } from "../stage.ts";
import { chaosAgents } from "./agents.ts";
import { ChaosNetwork, type Weather } from "./network.ts";
import type { Random } from "./random.ts";
import type { Tally } from "./tally.ts";

/** What its customers have to expect, besides what every network brings. */
export interface Character {
  readonly limits: RuntimeOptions["limits"];
  /** Records kept of a job's log. */
  readonly records: number;
  /** Whether events may be gone. */
  readonly forgets: boolean;
}

/** Notices a connection that hangs within two seconds. */
const heartbeatIntervalSec = 1;

export const characters = {
  steady: { limits: { heartbeatIntervalSec }, records: 250_000, forgets: false },
  "short window": {
    limits: { heartbeatIntervalSec, resumeWindowSec: 1, retentionSec: 600 },
    records: 250_000,
    forgets: false,
  },
  "small logs": {
    limits: { heartbeatIntervalSec },
    records: 40,
    forgets: true,
  },
} satisfies Record<string, Character>;

/** A runtime behind a chaotic network. */
export interface House {
  readonly runtime: Runtime;
  readonly network: ChaosNetwork;
  readonly character: Character;
  /** What it has logged, as JSON. */
  readonly logged: readonly string[];
  close(): Promise<void>;
}

export interface HouseParts {
  /** Principals by their tokens. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: Weather;
  readonly tally: Tally;
}

export async function openHouse(
  name: keyof typeof characters,
  { tokens, clock, random, weather, tally }: HouseParts,
): Promise<House> {
  const character: Character = characters[name];
  const { limits, records } = character;
  const logged: string[] = [];
  const runtime = createRuntime({
    agents: chaosAgents,
    auth: tokenTable(tokens),
    clock,
    limits: { ...limits, cancelGraceSec: 5 },
    logger: recorder(logged),
    store: memoryStore({ logLimits: { records } }),
  });
  const server: ListeningServer = await listen(
    { port: 0, clock, closeTimeout: 500 },
    // Without a peer: what fails to log in here is the network's doing, from one address.
    (transport) => runtime.serve(transport),
  );
  const port = Number(new URL(server.url).port);
  const network = await ChaosNetwork.to(port, random, weather, tally);
  const close = async (): Promise<void> => {
    network.close();
    await runtime.close();
    await server.close();
  };
  return { runtime, network, character, logged, close };
}
