import type { Session } from "./session/session.ts";
import type { Services } from "./verbs/services.ts";

/** How a runtime calls itself. */
interface Name {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
}

/** What a welcome says besides the session: the runtime, its times in seconds, and what this principal may submit to it. */
export function welcomeTo(
  { principal, features }: Session,
  { limits, agents, policy }: Pick<Services, "limits" | "agents" | "policy">,
  { name = "arcp-ts-runtime", version = "0.0.0" }: Name,
): object {
  return {
    runtime: { name, version },
    resume_window_sec: limits.resumeWindowSec,
    ...(features.has("heartbeat") && { heartbeat_interval_sec: limits.heartbeatIntervalSec }),
    capabilities: {
      encodings: ["json"],
      features: [...features],
      agents: agents.inventory((agent) => policy.maySubmit(principal, agent)),
    },
  };
}
