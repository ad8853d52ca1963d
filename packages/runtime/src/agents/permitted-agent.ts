import type { AgentReference, ArcpError } from "@arcp/core";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import { noAgent } from "./agent-registry.ts";

/** Resolves a reference to an agent that the principal may use. For a principal that may not use it, the agent does not exist. */
export function permittedAgent(
  { agents, policy }: Pick<AgentHost, "agents" | "policy">,
  principal: string,
  reference: AgentReference,
): AnyAgent | ArcpError {
  const { name } = reference;
  return policy.maySubmit(principal, name) ? agents.resolve(reference) : noAgent(name);
}
