import type { AgentEntry, Payload, SessionId } from "@arcp/core";

/** What the runtime said about the session when it was opened. */
export interface SessionInfo {
  readonly id: SessionId;
  /** How the runtime describes itself. */
  readonly runtime: Payload<"session.welcome">["runtime"];
  /** The features that both sides support; fixed for the life of the session (R-6.3-16). */
  readonly features: readonly string[];
  /** The agents that this principal may submit to, as of the latest connection. */
  readonly agents: readonly AgentEntry[];
  /** The runtime's capabilities, as of the latest connection; vendor keys as received (R-15-2). */
  readonly capabilities: Payload<"session.welcome">["capabilities"];
  /** How many seconds the session survives without a connection. */
  readonly resumeWindowSec: number;
}
