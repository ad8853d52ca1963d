import { answerCalls } from "./calls.ts";
import type { Load, Place, Sample } from "./scenario.ts";
import { scenarioNamed } from "./scenarios.ts";
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
  readonly prepare: (options: Place & { readonly scenario: string }) => Promise<void>;
  readonly measure: (nothing: null) => Promise<Measurement>;
};

let load: Load | undefined;

const calls: GeneratorCalls = {
  async prepare({ scenario, ...place }) {
    load = await scenarioNamed(scenario).prepare(place);
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
