import { answerCalls } from "./calls.ts";
import type { Load, Sample, Size } from "./scenario.ts";
import { scenarioNamed } from "./scenarios.ts";
import type { TargetName } from "./targets/target.ts";
import { usageOfThisProcess } from "./usage.ts";

/** What the generator's process did and saw in the measured part. */
export interface Measurement {
  readonly sample: Sample;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Its own processor time, microseconds. */
  readonly cpu: number;
}

/** The process of the load generator. */
export type GeneratorCalls = {
  readonly prepare: (options: {
    readonly scenario: string;
    readonly target: TargetName;
    readonly url: string;
    readonly size: Size;
  }) => Promise<void>;
  readonly measure: (nothing: null) => Promise<Measurement>;
};

let load: Load | undefined;

const calls: GeneratorCalls = {
  async prepare({ scenario, target, url, size }) {
    load = await scenarioNamed(scenario).prepare(url, size, target);
  },
  async measure() {
    if (load === undefined) throw new Error("prepare comes first");
    const before = usageOfThisProcess();
    const started = performance.now();
    const sample = await load.measure();
    const elapsed = performance.now() - started;
    return { sample, elapsed, cpu: usageOfThisProcess().cpu - before.cpu };
  },
};
answerCalls(calls);
