import "../../scripts/require-node.mjs";
import { chooseCores } from "./cores.ts";
import { machineText, thisMachine } from "./machine.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { profileText } from "./profile-text.ts";
import { reportOf } from "./report.ts";
import { reportText } from "./report-text.ts";
import { keepResults, type Result } from "./results.ts";
import { writePage } from "./results-page.ts";
import { profileScenario, runScenario } from "./run.ts";

const PROFILED = "runtime";
/** Functions of a profile that are shown. */
const PROFILE_ROWS = 12;

async function bench(options: BenchOptions): Promise<void> {
  const { scenarios, rounds, json, profile, write } = options;
  const cores = chooseCores();
  const machine = thisMachine(cores);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (!json) say(`${machineText(machine)}\n`);
  const results: Result[] = [];
  for (const scenario of scenarios) {
    const { size } = scenario;
    const report = reportOf(scenario, size, await runScenario(scenario, { rounds, size, cores }));
    if (!json) say(`${reportText(report)}\n`);
    const rows = profile ? await profileScenario(scenario, PROFILED, size, cores) : undefined;
    const result = { ...report, machine, ...(rows && { profile: rows.slice(0, PROFILE_ROWS) }) };
    results.push(result);
    // At once: a run that ends early keeps what it has measured.
    if (write) writePage(keepResults([result]));
    if (!json && rows) say(`${profileText(rows.slice(0, PROFILE_ROWS))}\n`);
  }
  if (json) say(JSON.stringify(results, undefined, 2));
}

function optionsOrExit(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    process.exit(2);
  }
}

// An exit, unlike the signal itself, removes the scratch files.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
await bench(optionsOrExit());
