import { LoadClient } from "./load-client.ts";
import type { Scenario } from "./scenario.ts";
import { percentile } from "./statistics.ts";
import { OURS } from "./targets/target.ts";

/** A job that returns at once, submitted when the result of the one before has come. */
export const latency: Scenario = {
  name: "latency",
  title: "submit to result, one at a time",
  operation: "submit",
  size: { warmUp: 1_000, measured: 2_000 },
  limits: ["raw-stringify"],
  ours: OURS,
  aims: [],
  metrics: [
    { name: "p50", unit: "us", digits: 0, compared: true },
    { name: "p99", unit: "us", digits: 0, compared: true },
  ],
  jobs: ({ warmUp, measured }) => new Array<number>(warmUp + measured).fill(0),
  async prepare(url, { warmUp, measured }) {
    const client = await LoadClient.open(url);
    for (let i = 0; i < warmUp; i++) await client.run(0);
    return {
      async measure() {
        const times: number[] = [];
        for (let i = 0; i < measured; i++) times.push((await client.run(0)).elapsed * 1000);
        return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
      },
    };
  },
};
