import { Child } from "./child.ts";
import type { Cores } from "./cores.ts";
import type { GeneratorCalls } from "./generator.ts";
import type { Metric, Sample, Scenario, Size } from "./scenario.ts";
import { Scratch } from "./scratch.ts";
import type { ServerCalls } from "./server.ts";
import type { TargetName } from "./targets/target.ts";

/** What the processes themselves tell, whatever the scenario. */
const PROCESS_METRICS: readonly Metric[] = [
  { name: "server cpu", unit: "us/operation", digits: 2, compared: true },
  { name: "server load", unit: "%", digits: 0, compared: false },
  { name: "generator load", unit: "%", digits: 0, compared: false },
  { name: "server rss", unit: "MiB", digits: 0, compared: false },
];

/** All figures of a scenario's runs. */
export function metricsOf(scenario: Scenario): readonly Metric[] {
  return [...scenario.metrics, ...PROCESS_METRICS];
}

/** The samples of all runs: the n-th of each target belong together. */
export type Samples = ReadonlyMap<TargetName, readonly Sample[]>;

/** Runs a scenario so many times, all targets in turn each time. */
export async function runScenario(
  scenario: Scenario,
  { runs, size, cores }: { readonly runs: number; readonly size: Size; readonly cores: Cores },
): Promise<Samples> {
  const samples = new Map<TargetName, Sample[]>();
  for (let run = 0; run < runs; run++) {
    for (const target of [...scenario.limits, ...scenario.ours]) {
      const sample = await runOnce(scenario, target, size, cores);
      samples.set(target, [...(samples.get(target) ?? []), sample]);
    }
  }
  return samples;
}

/** One run against one target, in two fresh processes. */
async function runOnce(
  scenario: Scenario,
  target: TargetName,
  size: Size,
  cores: Cores,
): Promise<Sample> {
  using scratch = new Scratch();
  await using server = new Child<ServerCalls>("./server.ts", cores.server);
  await using generator = new Child<GeneratorCalls>("./generator.ts", cores.generator);
  const url = await server.call("start", {
    target,
    jobs: scenario.jobs(size),
    directory: scratch.directory,
  });
  await generator.call("prepare", { scenario: scenario.name, target, url, size });
  const before = await server.call("usage", null);
  const { sample, elapsed, cpu } = await generator.call("measure", null);
  const after = await server.call("usage", null);
  const serverCpu = after.cpu - before.cpu;
  return {
    ...sample,
    "server cpu": serverCpu / size.measured,
    "server load": shareOf(serverCpu, elapsed),
    "generator load": shareOf(cpu, elapsed),
    "server rss": after.rss / 2 ** 20,
  };
}

/** @returns processor time (microseconds) as a percentage of elapsed time (milliseconds) */
function shareOf(cpu: number, elapsed: number): number {
  return cpu / 10 / elapsed;
}
