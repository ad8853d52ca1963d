import { features, LocalError, REQUEST_ID_FEATURE } from "@arcp/core";
import { manifest } from "../manifest/manifest.ts";
import { defaultSettings, type TestSettings } from "../test-agents/settings.ts";
import { WireClient } from "../wire/wire-client.ts";
import { WireRejection } from "../wire/wire-rejection.ts";
import type { Facts } from "./facts.ts";
import { isTerminal } from "./site.ts";
import type { Target } from "./target.ts";

/** Milliseconds that each answer may take. */
const PATIENCE_MS = 5000;

/**
 * Looks whether a runtime can be tested, and what it is like.
 *
 * @throws LocalError in one line, `TRANSPORT_CLOSED` when nobody is there, `PROTOCOL_VIOLATION` when it does not speak ARCP,
 *   `MISUSE` when it refuses a token or lacks the test agents
 */
export async function probe(target: Target): Promise<Facts> {
  const [first, second] = target.tokens;
  if (first === second)
    throw misuse("the two tokens are the same: they have to be of two principals");
  await using other = await greeted(target, "second");
  void other;
  await using wire = await greeted(target, "first");
  const { runtime, resume_window_sec, heartbeat_interval_sec, capabilities } = wire.welcome.payload;
  const agents = new Set((capabilities.agents ?? []).map(({ name }) => name));
  if (!agents.has("conformance.script")) {
    throw misuse(
      "the runtime does not offer the agent conformance.script: it has to register testRuntime() of @arcp/conformance/agents, or agents that do the same",
    );
  }
  return {
    runtime: `${runtime?.name} ${runtime?.version}`,
    resumeWindowSec: resume_window_sec,
    heartbeatIntervalSec: heartbeat_interval_sec,
    features: new Set(capabilities.features ?? []),
    agents,
    settings: { ...defaultSettings, ...(await settingsOf(wire, agents)) },
    url: target.url,
    restarts: target.restart !== undefined,
  };
}

async function settingsOf(wire: WireClient, agents: ReadonlySet<string>): Promise<TestSettings> {
  if (!agents.has("conformance.settings")) return {};
  await wire.submit({ agent: "conformance.settings" });
  const end = (await wire.until(isTerminal)).at(-1);
  const result = end?.type === "job.result" ? end.payload.result : undefined;
  if (typeof result !== "object" || result === null) {
    throw misuse("the agent conformance.settings has to return an object");
  }
  return result as TestSettings;
}

async function greeted(target: Target, who: "first" | "second"): Promise<WireClient> {
  const line = await target.connect();
  // What a runtime does wrong is for the scenarios to tell.
  const waive = manifest.map(({ id }) => id);
  const wire = new WireClient(line.transport, { timeoutMs: PATIENCE_MS, waive });
  const token = target.tokens[who === "first" ? 0 : 1];
  try {
    await wire.hello({ token, features: [...features, REQUEST_ID_FEATURE] });
    return wire;
  } catch (error) {
    line.sever();
    if (error instanceof WireRejection)
      throw misuse(`the ${who} token is refused: ${error.message}`);
    const [text] = `${error instanceof Error ? error.message : error}`.split("\n");
    throw new LocalError(
      "PROTOCOL_VIOLATION",
      `what answers${target.url === undefined ? "" : ` at ${target.url}`} does not speak ARCP: ${text}`,
    );
  }
}

function misuse(text: string): LocalError {
  return new LocalError("MISUSE", text);
}
