import { beforeAll, describe, expect, test } from "vitest";
import { type Outcome, runConformance, scenarios } from "../src/index.ts";
import { House } from "./house.ts";
import type { Way } from "./line.ts";

/** Plays all scenarios of the kit over some ways, and makes a test of each outcome. */
export function describeKit(ways: readonly Way[]): void {
  const played = new Map<Way, ReadonlyMap<string, Outcome>>();

  beforeAll(async () => {
    // One after the other: some scenarios block the process, and would hold up the other runtime as well.
    for (const way of ways) {
      await using house = await House.open(way);
      const { outcomes } = await runConformance(house, { concurrency: 16, timeoutMs: 30_000 });
      played.set(way, new Map(outcomes.map((outcome) => [outcome.scenario.name, outcome])));
    }
  }, 300_000);

  describe.each(ways)("over %s", (way) => {
    for (const { name, verifies } of scenarios) {
      test(`${verifies.join(", ")}: ${name}`, ({ skip }) => {
        const outcome = played.get(way)?.get(name);
        if (outcome?.kind === "not-run") return skip(outcome.why);
        expect(outcome?.kind === "failed" ? shown(outcome) : outcome?.kind).toBe("passed");
      });
    }
  });
}

function shown({ message, frames }: Extract<Outcome, { kind: "failed" }>): string {
  return [message, ...frames].join("\n\n");
}
