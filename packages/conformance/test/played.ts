import { beforeAll, describe, expect, test } from "vitest";
import { type Outcome, runConformance, type Scenario, scenarios } from "../src/index.ts";
import { House, type HouseSettings, longSettings, shortSettings } from "./house.ts";
import type { Way } from "./line.ts";
import { PATIENCE_MS } from "./stage.ts";

/** Plays all scenarios of the kit over some ways, and makes a test of each outcome. */
export function describeKit(ways: readonly Way[]): void {
  describe.each(ways)("over %s", (way) => {
    const played = new Map<string, Outcome>();

    // One after the other: some scenarios block the process, and would hold up the other runtime as well.
    beforeAll(async () => {
      const outcomes = await outcomesOf(way, longSettings, scenarios);
      const left = outcomes.filter(({ kind }) => kind === "not-run");
      const waiting = left.map(({ scenario }) => scenario);
      outcomes.push(...(await outcomesOf(way, shortSettings, waiting)));
      for (const outcome of outcomes) played.set(outcome.scenario.name, outcome);
    }, 300_000);

    for (const { name, verifies } of scenarios) {
      test(`${verifies.join(", ")}: ${name}`, ({ skip }) => {
        const outcome = played.get(name);
        if (outcome?.kind === "not-run") return skip(outcome.why);
        expect(outcome?.kind === "failed" ? shown(outcome) : outcome?.kind).toBe("passed");
      });
    }
  });
}

async function outcomesOf(
  way: Way,
  settings: HouseSettings,
  played: readonly Scenario[],
): Promise<Outcome[]> {
  await using house = await House.open(way, settings);
  const options = { concurrency: 16, timeoutMs: PATIENCE_MS, scenarios: played };
  return [...(await runConformance(house, options)).outcomes];
}

function shown({ message, frames }: Extract<Outcome, { kind: "failed" }>): string {
  return [message, ...frames].join("\n\n");
}
