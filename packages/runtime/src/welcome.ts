import type { Session } from "./session/session.ts";
import type { Services } from "./verbs/services.ts";

/** The name and version that a runtime reports. */
interface Name {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
}

/**
 * The part of a welcome that does not depend on the connection: runtime, times in seconds, and the agents that this principal may
 * submit to.
 */
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
