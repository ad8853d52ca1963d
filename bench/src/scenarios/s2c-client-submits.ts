import { atLeast } from "../goal.ts";
import { inFlight } from "../in-flight.ts";
import type { Scenario } from "../scenario.ts";
import { STEPPER, type StepperInput } from "../targets/agents.ts";
import { IN_FLIGHT, WARM } from "./s2-submits.ts";

/** Like S2, through our own client, with all its checks. */
export const s2c: Scenario = {
  id: "S2c",
  title: `submits, ${IN_FLIGHT} in flight, through our own client`,
  operation: "submit",
  size: { warmUp: WARM, measured: 8_000 },
  targets: ["L1", "runtime", "runtime-sqlite"],
  metrics: [{ name: "rate", unit: "submits/s", digits: 0 }],
  goals: [atLeast({ id: "S2c", metric: "rate", must: 0.6, aim: 0.9 })],
  async prepare({ url, size: { warmUp, measured } }) {
    // Loaded on demand: otherwise the generator of each scenario would carry it.
    const { connect } = await import("@arcp/client");
    const { dial } = await import("@arcp/transport-ws");
    const client = await connect(dial(url), { token: "bench" });
    const input: StepperInput = { events: 0 };
    const submits = (count: number) =>
      inFlight(count, IN_FLIGHT, async () => {
        const job = await client.submit(STEPPER, input);
        await job.result();
      });
    await submits(warmUp);
    return {
      async measure() {
        const started = performance.now();
        await submits(measured);
        return { rate: (measured / (performance.now() - started)) * 1000 };
      },
    };
  },
};
