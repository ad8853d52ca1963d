import { type AgentContext, type AnyAgent, defineAgent } from "@arcp/runtime";

/** A job whose agent does what the program says. */
export interface Run {
  readonly ctx: AgentContext;
  readonly end: (value?: unknown) => void;
  said: number;
}

/** Names of agents: one that a crash ends, and one that begins again. */
export const crew = { led: 1, again: 9 } as const;
export type AgentName = keyof typeof crew;

/** @param runs where those that begin are put, by job */
export function agentsOf(runs: Map<string, Run>): AnyAgent[] {
  return Object.entries(crew).map(([name, attempts]) =>
    defineAgent({
      name,
      attempts,
      run(ctx) {
        const outcome = Promise.withResolvers<unknown>();
        runs.set(ctx.job.id, { ctx, end: outcome.resolve, said: 0 });
        return outcome.promise;
      },
    }),
  );
}
