import type { AgentReference, ArcpError } from "@arcp/core";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import { noAgent } from "./agent-registry.ts";

/** The agent that a principal may use by this reference; to one that it may not use there is none of that name. */
export function permittedAgent(
  { agents, policy }: Pick<AgentHost, "agents" | "policy">,
  principal: string,
  reference: AgentReference,
): AnyAgent | ArcpError {
  const { name } = reference;
  return policy.maySubmit(principal, name) ? agents.resolve(reference) : noAgent(name);
}
