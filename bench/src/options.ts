import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";
import { scenarioNamed, scenarios } from "./scenarios.ts";

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  /** How often each target runs, each time in a fresh process. */
  readonly runs: number;
  /** Whether to write one JSON document instead of tables. */
  readonly json: boolean;
}

export const USAGE = `bench [--only ${scenarios.map(({ name }) => name).join("|")}] [--runs 5] [--json]`;

/** @throws Error that says what is wrong */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      runs: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error("--runs takes a number from 1");
  return {
    scenarios: values.only === undefined ? scenarios : [scenarioNamed(values.only)],
    runs,
    json: values.json,
  };
}
