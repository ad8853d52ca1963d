import "../../scripts/require-node.mjs";
import { cpus } from "node:os";
import { chooseCores } from "./cores.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { formatReport, reportOf, type ScenarioReport } from "./report.ts";
import { runScenario } from "./run.ts";

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
    say(`Node ${machine.node} on ${machine.processor}; server and generator: ${where}\n`);
  }
  const reports: ScenarioReport[] = [];
  for (const scenario of scenarios) {
    const { size } = scenario;
    const report = reportOf(scenario, size, await runScenario(scenario, { runs, size, cores }));
    reports.push(report);
    if (!json) say(`${formatReport(report)}\n`);
  }
  if (json) say(JSON.stringify({ ...machine, scenarios: reports }, undefined, 2));
}

function optionsOrExit(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    process.exit(2);
  }
}

await bench(optionsOrExit());
