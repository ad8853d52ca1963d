import { Child } from "./child.ts";
import type { Cores } from "./cores.ts";
import type { GeneratorCalls } from "./generator.ts";
import type { AskServer, Metric, Sample, Scenario, Size } from "./scenario.ts";
import { Scratch } from "./scratch.ts";
import type { ServerCalls } from "./server.ts";
import type { TargetName } from "./targets/target.ts";

/** What the processes themselves tell, whatever the scenario. */
const PROCESS_METRICS: readonly Metric[] = [
  { name: "server cpu", unit: "us/operation", digits: 2 },
  { name: "server load", unit: "%", digits: 0 },
  { name: "generator load", unit: "%", digits: 0 },
  { name: "server rss", unit: "MiB", digits: 0 },
];

/** All figures of a scenario's runs. */
export function metricsOf({ metrics, operation }: Scenario): readonly Metric[] {
  return [...metrics, ...PROCESS_METRICS].map((metric) => ({
    ...metric,
    unit: metric.unit.replace("operation", operation),
  }));
}

/** What came of one round: each target once, right after each other. */
export type RoundSamples = ReadonlyMap<TargetName, Sample>;

export interface RunOptions {
  /** How many. */
  readonly rounds: number;
  readonly size: Size;
  readonly cores: Cores;
}

/** Runs a scenario so many times, all targets in turn each time. */
export async function runScenario(
  scenario: Scenario,
  { rounds, size, cores }: RunOptions,
): Promise<readonly RoundSamples[]> {
  const all: RoundSamples[] = [];
  while (all.length < rounds) {
    const samples = new Map<TargetName, Sample>();
    for (const target of scenario.targets) {
      samples.set(target, await runOnce(scenario, target, size, cores));
    }
    all.push(samples);
  }
  return all;
}

/** One run against one target, in two fresh processes. */
async function runOnce(
  scenario: Scenario,
  target: TargetName,
  size: Size,
  cores: Cores,
): Promise<Sample> {
  using scratch = new Scratch();
  const options = scenario.server ?? {};
  await using server = new Child<ServerCalls>("./server.ts", cores.server, options.nodeOptions);
  await using generator = new Child<GeneratorCalls>("./generator.ts", cores.generator);
  const { directory } = scratch;
  const url = await server.call("start", { ...options, target, directory });
  await generator.call("prepare", { scenario: scenario.id, target, url, size });
  const ask: AskServer = (name, argument) => server.call(name, argument);
  const rested = (await scenario.before?.(ask, target)) ?? {};
  const before = await server.call("usage", null);
  const { sample, elapsed, cpu } = await generator.call("measure", null);
  const after = await server.call("usage", null);
  const serverCpu = after.cpu - before.cpu;
  return {
    ...rested,
    ...sample,
    "server cpu": serverCpu / size.measured,
    "server load": shareOf(serverCpu, elapsed),
    "generator load": shareOf(cpu, elapsed),
    "server rss": after.rss / 2 ** 20,
    ...(await scenario.after?.(ask, target, rested)),
  };
}

/** @returns processor time (microseconds) as a percentage of elapsed time (milliseconds) */
function shareOf(cpu: number, elapsed: number): number {
  return cpu / 10 / elapsed;
}
