import "../../scripts/require-node.mjs";
import { cpus } from "node:os";
import { chooseCores } from "./cores.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { formatReport, reportOf, type ScenarioReport } from "./report.ts";
import { runScenario } from "./run.ts";

/** The store itself makes sure of it, and opens no file where it does not hold. */
const DURABILITY = "runtime-sqlite: a file on a disk in WAL mode, synchronous=FULL, group commit";

async function bench({ scenarios, runs, json }: BenchOptions): Promise<void> {
  const cores = chooseCores();
  const machine = {
    node: process.version,
    processor: cpus()[0]?.model ?? "unknown",
    pinned: cores.server !== undefined,
  };
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (!json) {
    const where = machine.pinned ? "a core each" : "not pinned to cores";
    say(`Node ${machine.node} on ${machine.processor}; server and generator: ${where}`);
    say(`${DURABILITY}\n`);
  }
  const reports: ScenarioReport[] = [];
  for (const scenario of scenarios) {
    const { size } = scenario;
    const report = reportOf(scenario, size, await runScenario(scenario, { runs, size, cores }));
    reports.push(report);
    if (!json) say(`${formatReport(report)}\n`);
  }
  if (json)
    say(JSON.stringify({ ...machine, durability: DURABILITY, scenarios: reports }, undefined, 2));
}

function optionsOrExit(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    process.exit(2);
  }
}

// An exit, unlike the signal itself, takes the scratch files along.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
await bench(optionsOrExit());
