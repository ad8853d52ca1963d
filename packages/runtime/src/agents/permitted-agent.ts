import { type AgentReference, ArcpError } from "@arcp/core";
import { clip } from "../authority/clip.ts";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import { noAgent } from "./agent-registry.ts";

/** How many alternatives a refusal lists: enough to notice a typing mistake, and still short (R-5.3-6). */
const MOST_LISTED = 5;

type Host = Pick<AgentHost, "agents" | "policy">;

/** Resolves a reference to an agent that the principal may use. For a principal that may not use it, the agent does not exist. */
export function permittedAgent(
  { agents, policy }: Host,
  principal: string,
  reference: AgentReference,
): AnyAgent | ArcpError {
  const { name } = reference;
  return policy.maySubmit(principal, name) ? agents.resolve(reference) : noAgent(name);
}

/**
 * Like {@link permittedAgent}, for a request of the principal itself: the refusal lists what there is instead. That of a delegation
 * does not, since whoever may observe the job can read it.
 */
export function requestedAgent(
  host: Host,
  principal: string,
  reference: AgentReference,
): AnyAgent | ArcpError {
  const found = permittedAgent(host, principal, reference);
  if (!(found instanceof ArcpError)) return found;
  const mayUse = (name: string): boolean => host.policy.maySubmit(principal, name);
  const others = someOf(host.agents.alternatives(reference, mayUse));
  return new ArcpError(
    found.code,
    others === "" ? found.message : `${found.message}, only ${others}`,
  );
}

function someOf(names: Iterable<string>): string {
  const listed: string[] = [];
  for (const name of names) {
    listed.push(listed.length === MOST_LISTED ? "…" : name);
    if (listed.length > MOST_LISTED) break;
  }
  return clip(listed.join(", "));
}
