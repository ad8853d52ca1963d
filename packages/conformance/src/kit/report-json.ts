import type { Report } from "./report.ts";

/** The report for programs, as plain JSON. */
export function reportJson({ facts, verdicts, outcomes, ms }: Report): object {
  return {
    runtime: facts.runtime,
    ms: Math.round(ms),
    requirements: verdicts.map(({ requirement, ...verdict }) => ({
      id: requirement.id,
      section: requirement.section,
      strength: requirement.strength,
      side: requirement.side,
      verdict: verdict.kind,
      ...(verdict.kind === "not-run" && { why: verdict.why }),
      ...(verdict.kind === "broken" && {
        scenarios: verdict.failures.map(({ scenario }) => scenario.name),
      }),
    })),
    scenarios: outcomes.map((outcome) => ({
      name: outcome.scenario.name,
      verifies: outcome.scenario.verifies,
      outcome: outcome.kind,
      ...(outcome.kind === "not-run" ? { why: outcome.why } : { ms: Math.round(outcome.ms) }),
      ...(outcome.kind === "failed" && {
        broken: outcome.broken,
        message: outcome.message,
        frames: outcome.frames,
      }),
    })),
  };
}
