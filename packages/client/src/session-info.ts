import type { AgentEntry, Payload, SessionId } from "@arcp/core";

/** What the runtime said of the session when it was opened. */
export interface SessionInfo {
  readonly id: SessionId;
  /** How the runtime describes itself. */
  readonly runtime: Payload<"session.welcome">["runtime"];
  /** What both sides understand; fixed for the life of the session (R-6.3-16). */
  readonly features: readonly string[];
  /** The agents that this principal may submit to, as of the latest connection. */
  readonly agents: readonly AgentEntry[];
  /** What the runtime said that it can, as of the latest connection: vendors' keys as they came (R-15-2). */
  readonly capabilities: Payload<"session.welcome">["capabilities"];
  /** Seconds that the session survives without a connection. */
  readonly resumeWindowSec: number;
}
