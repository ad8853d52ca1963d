import { beforeAll, describe, expect, test } from "vitest";
import { type Outcome, runConformance, scenarios } from "../src/index.ts";
import { House } from "./house.ts";
import type { Way } from "./line.ts";

/** Plays all scenarios of the kit over some ways at once, and makes a test of each outcome. */
export function describeKit(ways: readonly Way[]): void {
  const played = new Map<Way, ReadonlyMap<string, Outcome>>();

  beforeAll(async () => {
    await Promise.all(
      ways.map(async (way) => {
        await using house = await House.open(way);
        const { outcomes } = await runConformance(house);
        played.set(way, new Map(outcomes.map((outcome) => [outcome.scenario.name, outcome])));
      }),
    );
  }, 120_000);

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
