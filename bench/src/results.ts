import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "./machine.ts";
import type { ProfileRow } from "./profile.ts";
import type { ScenarioReport } from "./report.ts";
import { scenarios } from "./scenarios.ts";

/** A report, and where it comes from. */
export interface Result extends ScenarioReport {
  readonly machine: Machine;
  /** Of the runtime on the memory store, the busiest functions. */
  readonly profile?: readonly ProfileRow[];
}

const FILE = join(import.meta.dirname, "../results/results.json");

/** What the page of results shows, in the order of the scenarios. */
export function keptResults(): readonly Result[] {
  return JSON.parse(readFileSync(FILE, "utf8")) as Result[];
}

/** Stores results in place of earlier ones of the same scenarios. @returns all that are stored */
export function keepResults(results: readonly Result[]): readonly Result[] {
  let kept: readonly Result[] = [];
  try {
    kept = keptResults();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const all = scenarios.flatMap(
    ({ id }) => [...results, ...kept].find((result) => result.id === id) ?? [],
  );
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(all, undefined, 2)}\n`);
  return all;
}
