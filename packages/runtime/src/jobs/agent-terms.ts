import type { AgentReference } from "@arcp/core";

/** All that a job has to know of the agent that it is accepted for. As `Agent` has them. */
export interface AgentTerms extends AgentReference {
  readonly workspace?: string | undefined;
  readonly attempts?: number | undefined;
  readonly stallSec?: number | undefined;
}
