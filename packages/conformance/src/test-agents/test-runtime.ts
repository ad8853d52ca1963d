import {
  type AnyAgent,
  defineAgent,
  type Limits,
  memoryStore,
  type RuntimeOptions,
  type Tool,
} from "@arcp/runtime";
import { Gates } from "./gates.ts";
import { heldAgent } from "./held-agent.ts";
import { scriptAgent, type TestCredentials } from "./script-agent.ts";
import { defaultSettings, type TestSettings } from "./settings.ts";

/** Settings with which every scenario ends within seconds. */
export const shortSettings = {
  limits: {
    resumeWindowSec: 5,
    heartbeatIntervalSec: 1,
    cancelGraceSec: 1,
    openingDeadlineSec: 5,
    backPressureThreshold: 300,
    failedLoginsPerMinute: 1000,
    liveJobsPerPrincipal: 60,
    connectedSessionsPerPrincipal: 60,
    resultBytes: 24 * 1024 * 1024,
    retentionSec: 8,
    provisionerSec: 5,
  },
  /** For the store: what it keeps of one job's log. */
  logLimits: { records: 2000, characters: 64 * 1024 * 1024 },
} as const;

/** The parts of a runtime that scenarios can be played against. */
export type TestRuntime = Pick<
  RuntimeOptions,
  "agents" | "tools" | "models" | "limits" | "store" | "provisioners"
>;

/**
 * The agents, tools and models that the scenarios use, the limits, and an in-memory store with its own limits: spread it into
 * `createRuntime`, with `auth`. The agent `conformance.settings` reports how it is configured.
 *
 * @param given settings that replace the short ones; `logLimits` are those of the store, even if it is another one
 * @param credentials gives jobs credentials of a fake upstream; needs a durable store
 */
export function testRuntime(
  given: {
    limits?: Limits;
    logLimits?: { records?: number; characters?: number };
  } = shortSettings,
  credentials?: TestCredentials,
): TestRuntime {
  const { limits = {}, logLimits = {} } = given;
  const gates = credentials?.upstream.gates ?? new Gates();
  const settings: TestSettings = {
    ...Object.fromEntries(
      Object.entries(limits).filter(([name]) => Object.hasOwn(defaultSettings, name)),
    ),
    ...(logLimits.records === undefined ? {} : { logRecords: logLimits.records }),
  };
  return {
    agents: [
      scriptAgent(gates, credentials),
      heldAgent(gates),
      settingsAgent(settings),
      ...versionedAgents,
    ],
    tools,
    models: { "conformance/small": { words: { EUR: "1" } } },
    limits,
    store: memoryStore({ logLimits }),
    ...(credentials && { provisioners: credentials.upstream.provisioners }),
  };
}

const settingsAgent = (settings: TestSettings): AnyAgent =>
  defineAgent({ name: "conformance.settings", run: () => settings });

const versionedAgents: readonly AnyAgent[] = ["1.1.0", "2.0.0"].map((version) =>
  defineAgent({ name: "conformance.versioned", version, run: () => version }),
);

const tools: Readonly<Record<string, Tool>> = {
  "conformance.echo": (args) => args,
  "conformance.void": () => undefined,
  "conformance.fail": () => {
    throw new Error("a secret of the tool");
  },
};
