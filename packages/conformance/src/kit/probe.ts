import { features, LocalError, REQUEST_ID_FEATURE, TransportClosedError } from "@arcp/core";
import { isJsonObject } from "../json-object.ts";
import { manifest } from "../manifest/manifest.ts";
import { defaultSettings, type TestSettings } from "../test-agents/settings.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import { WireClient } from "../wire/wire-client.ts";
import { WireRejection } from "../wire/wire-rejection.ts";
import type { Facts } from "./facts.ts";
import { isTerminal } from "./site.ts";
import type { Target } from "./target.ts";

/** Milliseconds that each answer may take by default: a peer that does not speak ARCP is reported soon. */
const PATIENCE_MS = 5000;

/** What scenarios that do not test these limits need: otherwise they fail for want of room. */
const room = {
  liveJobsPerPrincipal: 60,
  connectedSessionsPerPrincipal: 60,
  logRecords: 2000,
} as const satisfies TestSettings;

/** Characters shown of an unexpected answer. */
const SHOWN = 100;

/**
 * Checks whether a runtime can be tested, and what it is like.
 *
 * @throws LocalError in one line, `TRANSPORT_CLOSED` when nobody is there, `PROTOCOL_VIOLATION` when it does not speak ARCP,
 *  `MISUSE` when it refuses a token or lacks the test agents
 */
export async function probe(target: Target, timeoutMs: number = PATIENCE_MS): Promise<Facts> {
  const [first, second] = target.tokens;
  if (first === second)
    throw misuse("the two tokens are the same: they have to be of two principals");
  await using other = await greeted(target, "second", timeoutMs);
  void other;
  await using wire = await greeted(target, "first", timeoutMs);
  const { runtime, resume_window_sec, heartbeat_interval_sec, capabilities } = wire.welcome.payload;
  const agents = new Set((capabilities.agents ?? []).map(({ name }) => name));
  if (!agents.has("conformance.script")) {
    throw misuse(
      "the runtime does not offer the agent conformance.script: it has to register testRuntime() of @arcp/conformance/agents, or agents that do the same",
    );
  }
  const settings = { ...defaultSettings, ...(await settingsOf(wire, agents)) };
  for (const [name, least] of Object.entries(room) as [keyof typeof room, number][]) {
    if (settings[name] >= least) continue;
    const text = `the scenarios need a runtime with ${name} of at least ${least}`;
    throw misuse(`${text}, conformance.settings says ${settings[name]}`);
  }
  return {
    runtime: `${runtime?.name} ${runtime?.version}`,
    resumeWindowSec: resume_window_sec,
    heartbeatIntervalSec: heartbeat_interval_sec,
    features: new Set(capabilities.features ?? []),
    agents,
    settings,
    url: target.url,
    restarts: target.restart !== undefined,
  };
}

async function settingsOf(wire: WireClient, agents: ReadonlySet<string>): Promise<TestSettings> {
  if (!agents.has("conformance.settings")) return {};
  const end = await endOfSettings(wire).catch((error: Error) => {
    throw misuse(`the agent conformance.settings returns no result: ${firstLine(error)}`);
  });
  if (end?.type === "job.error") {
    const { code, message } = end.payload;
    throw misuse(`the agent conformance.settings fails: ${code}: ${message}`);
  }
  const result: unknown = end?.type === "job.result" ? end.payload.result : undefined;
  if (!isJsonObject(result)) throw misuse("the agent conformance.settings has to return an object");
  for (const [name, value] of Object.entries(result)) {
    // A misspelt one would count as the default.
    if (!Object.hasOwn(defaultSettings, name)) {
      const known = Object.keys(defaultSettings).join(", ");
      throw misuse(`the agent conformance.settings returns ${name}, the settings are ${known}`);
    }
    if (typeof value !== "number" || !(value >= 0)) {
      const text = JSON.stringify(value);
      throw misuse(`the agent conformance.settings says ${name}: ${text}, it has to be a number`);
    }
  }
  return result;
}

async function endOfSettings(wire: WireClient): Promise<StreamEnvelope | undefined> {
  await wire.submit({ agent: "conformance.settings" });
  return (await wire.until(isTerminal)).at(-1);
}

async function greeted(
  target: Target,
  who: "first" | "second",
  timeoutMs: number,
): Promise<WireClient> {
  const line = await target.connect();
  // Faults of the runtime are for the scenarios to report.
  const waive = manifest.map(({ id }) => id);
  const wire = new WireClient(line.transport, { timeoutMs, waive });
  const token = target.tokens[who === "first" ? 0 : 1];
  try {
    await wire.hello({ token, features: [...features, REQUEST_ID_FEATURE] });
    return wire;
  } catch (error) {
    line.sever();
    if (error instanceof WireRejection)
      throw misuse(`the ${who} token was refused: ${error.message}`);
    const place = target.url === undefined ? "" : ` at ${target.url}`;
    const text = `what answers${place} does not speak ARCP: ${symptom(error, wire)}`;
    throw new LocalError("PROTOCOL_VIOLATION", text);
  }
}

/** What it does instead of welcoming a client. */
function symptom(error: unknown, { transcript }: WireClient): string {
  const heard = `${transcript}`.split("\n").find((line) => line.startsWith("<- "));
  if (heard !== undefined) return `its answer to a hello is ${heard.slice("<- ".length, SHOWN)}`;
  if (error instanceof TransportClosedError) return "it closes the connection without a reply";
  return firstLine(error);
}

function firstLine(error: unknown): string {
  return `${error instanceof Error ? error.message : error}`.split("\n", 1).join("");
}

function misuse(text: string): LocalError {
  return new LocalError("MISUSE", text);
}
