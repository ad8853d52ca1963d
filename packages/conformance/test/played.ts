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
    test.each(scenarios.map(({ name, verifies }) => ({ name, ids: verifies.join(", ") })))(
      "$ids: $name",
      ({ name }) => {
        const outcome = played.get(way)?.get(name);
        expect(outcome?.kind === "failed" ? shown(outcome) : outcome).toMatchObject({
          kind: expect.stringMatching(/^(passed|not-run)$/),
        });
      },
    );
  });
}

function shown({ message, frames }: Extract<Outcome, { kind: "failed" }>): string {
  return [message, ...frames].join("\n\n");
}
