import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";
import { scenarioNamed, scenarios } from "./scenarios.ts";

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  /** How often each target runs, each time in a fresh process. */
  readonly rounds: number;
  /** Whether to print one JSON document instead of tables. */
  readonly json: boolean;
  /** Whether to profile one more run. */
  readonly profile: boolean;
  /** Whether to write the results into their page. */
  readonly write: boolean;
}

const ids = scenarios.map(({ id }) => id).join(",");

export const USAGE = `bench [--only ${ids}] [--rounds 5] [--profile] [--json] [--write]`;

/** @throws Error that says what is wrong */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      rounds: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a number from 1");
  return {
    scenarios: values.only === undefined ? scenarios : values.only.split(",").map(scenarioNamed),
    rounds,
    json: values.json,
    profile: values.profile,
    write: values.write,
  };
}
