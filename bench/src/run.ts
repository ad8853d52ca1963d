import { Child } from "./child.ts";
import type { Cores } from "./cores.ts";
import type { GeneratorCalls, Measurement } from "./generator.ts";
import type { ProfileRow } from "./profile.ts";
import type { AskServer, Metric, Sample, Scenario, Size } from "./scenario.ts";
import { Scratch } from "./scratch.ts";
import type { ServerCalls } from "./server.ts";
import type { TargetName } from "./targets/target.ts";

/** Figures of the processes themselves, in any scenario. */
const PROCESS_METRICS: readonly Metric[] = [
  { name: "server cpu", unit: "µs/operation", digits: 2 },
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

/** The results of one round: each target once, one right after the other. */
export type RoundSamples = ReadonlyMap<TargetName, Sample>;

export interface RunOptions {
  /** How many. */
  readonly rounds: number;
  readonly size: Size;
  readonly cores: Cores;
}

/** Runs a scenario this many times, all targets in turn each time. */
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
  await using run = await Run.start(scenario, target, size, cores);
  const { server } = run;
  const ask: AskServer = (name, argument) => server.call(name, argument);
  const rested = (await scenario.before?.(ask, target)) ?? {};
  const parts: Part[] = [];
  while (parts.length < (scenario.parts ?? 1)) parts.push(await runPart(run));
  const { rss } = await server.call("usage", null);
  const sum = (figure: (part: Part) => number): number =>
    parts.reduce((total, part) => total + figure(part), 0);
  const serverCpu = sum((part) => part.serverCpu);
  const elapsed = sum((part) => part.elapsed);
  const sample = Object.assign({}, rested, ...parts.map((part) => part.sample)) as Sample;
  const cpu = parts.map((part) => part.serverCpu);
  return {
    ...sample,
    "server cpu": serverCpu / size.measured,
    "server load": shareOf(serverCpu, elapsed),
    "generator load": shareOf(
      sum((part) => part.cpu),
      elapsed,
    ),
    "server rss": rss / 2 ** 20,
    ...(await scenario.after?.(ask, { target, size, sample, cpu })),
  };
}

/** What both processes did in one part of the load. */
interface Part extends Measurement {
  /** Microseconds. */
  readonly serverCpu: number;
}

async function runPart({ server, generator }: Run): Promise<Part> {
  const before = await server.call("usage", null);
  const measurement = await generator.call("measure", null);
  const after = await server.call("usage", null);
  return { ...measurement, serverCpu: after.cpu - before.cpu };
}

/** Profiles the server in a run of its own, since profiling slows it down. */
export async function profileScenario(
  scenario: Scenario,
  target: TargetName,
  size: Size,
  cores: Cores,
): Promise<readonly ProfileRow[]> {
  await using run = await Run.start(scenario, target, size, cores);
  await run.server.call("startProfile", null);
  for (let i = 0; i < (scenario.parts ?? 1); i++) await run.generator.call("measure", null);
  // Awaited here: otherwise the process would have ended.
  return await run.server.call("stopProfile", null);
}

/** A warm server, with a load that is ready to start. */
class Run implements AsyncDisposable {
  readonly server: Child<ServerCalls>;
  readonly generator: Child<GeneratorCalls>;
  readonly #scratch = new Scratch();

  private constructor({ server: options }: Scenario, { server, generator }: Cores) {
    this.server = new Child("./server.ts", server, options?.nodeOptions);
    this.generator = new Child("./generator.ts", generator);
  }

  static async start(
    scenario: Scenario,
    target: TargetName,
    size: Size,
    cores: Cores,
  ): Promise<Run> {
    const run = new Run(scenario, cores);
    try {
      if (scenario.warmsElsewhere === true) await run.#prepare(scenario, target, size);
      const fresh = scenario.warmsElsewhere === true ? { ...size, warmUp: 0 } : size;
      await run.#prepare(scenario, target, fresh);
      return run;
    } catch (error) {
      await run[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a server and the load on it. */
  async #prepare(scenario: Scenario, target: TargetName, size: Size): Promise<void> {
    const directory = this.#scratch.subdirectory();
    const url = await this.server.call("start", { ...scenario.server, target, directory });
    await this.generator.call("prepare", { scenario: scenario.id, target, url, size });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.generator[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    this.#scratch[Symbol.dispose]();
  }
}

/** @returns processor time (microseconds) as a percentage of elapsed time (milliseconds) */
function shareOf(cpu: number, elapsed: number): number {
  return cpu / 10 / elapsed;
}
