import { LoadClient } from "./load-client.ts";
import type { Scenario } from "./scenario.ts";
import { OURS } from "./targets/target.ts";

/** One job emits small log events as fast as it can, to the one client that submitted it. */
export const events: Scenario = {
  name: "events",
  title: "small log events, one job to one client",
  operation: "event",
  size: { warmUp: 10_000, measured: 50_000 },
  limits: ["raw-stringify", "raw-cork", "raw-splice"],
  ours: OURS,
  aims: [
    { metric: "rate", target: "runtime", limit: "raw-cork", atLeast: 0.6 },
    { metric: "rate", target: "runtime-sqlite", limit: "raw-stringify", atLeast: 0.25 },
  ],
  metrics: [
    { name: "rate", unit: "events/s", digits: 0, compared: true },
    { name: "frame", unit: "bytes/event", digits: 1, compared: false },
  ],
  jobs: ({ warmUp, measured }) => [warmUp, measured],
  async prepare(url, { warmUp, measured }) {
    const client = await LoadClient.open(url);
    await client.run(warmUp);
    return {
      async measure() {
        const { bytes, frames, elapsed } = await client.run(measured);
        return { rate: (measured / elapsed) * 1000, frame: bytes / frames };
      },
    };
  },
};
