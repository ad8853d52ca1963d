import type { Policy } from "@arcp/runtime";

// The policy: what a principal may see, start and spend.

/** A person's team and rights. */
export interface Member {
  readonly team: string;
  /** Names of agents. */
  readonly agents: readonly string[];
  /** The most that one job may spend. */
  readonly credits: number;
}

/** Teams see each other's jobs, and nobody spends more on a job than they are allowed. */
export function teamPolicy(members: Readonly<Record<string, Member>>): Policy {
  const member = (name: string): Member | undefined =>
    Object.hasOwn(members, name) ? members[name] : undefined;
  return {
    maySubmit: (principal, agent) => member(principal)?.agents.includes(agent) === true,
    mayObserve: (principal, job) => {
      const { team } = member(principal) ?? {};
      return team !== undefined && team === member(job.principal)?.team;
    },
    // A grant can only narrow what was requested. Bounding what was unbounded is narrowing too.
    grant(principal, requested) {
      const most = member(principal)?.credits ?? 0;
      const amounts = requested["cost.budget"] ?? [];
      const asked = amounts.find((amount) => amount.startsWith("credits:"));
      const isWithin = asked !== undefined && Number(asked.slice("credits:".length)) <= most;
      // Other currencies stay bounded as they were: without its amount one would be unbounded, and so the lease wider.
      const others = amounts.filter((amount) => amount !== asked);
      return { ...requested, "cost.budget": [...others, isWithin ? asked : `credits:${most}`] };
    },
  };
}
