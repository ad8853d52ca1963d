import type { AgentReference } from "@arcp/core";

/** The part of an `Agent` that a job needs to know. */
export interface AgentTerms extends AgentReference {
  readonly workspace?: string | undefined;
  readonly attempts?: number | undefined;
  readonly stallSec?: number | undefined;
}
