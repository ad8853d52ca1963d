import { atLeast } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { STEPPER } from "../targets/agents.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

/** One job emits small log events as fast as it can, to the one client that submitted it. */
export const s3: Scenario = {
  id: "S3",
  title: "small log events, one job to one client",
  operation: "event",
  size: { warmUp: 10_000, measured: 50_000 },
  targets: USUAL_TARGETS,
  metrics: [
    { name: "rate", unit: "events/s", digits: 0 },
    { name: "frame", unit: "bytes/event", digits: 1 },
  ],
  goals: [
    atLeast({ id: "S3", metric: "rate", must: 1, aim: 1.6 }),
    atLeast({ id: "S3", metric: "rate", over: "L2", must: 0.3, aim: 0.6 }),
    atLeast({ id: "S3d", metric: "rate", target: "runtime-sqlite", must: 0.5, aim: 0.8 }),
  ],
  async prepare({ url, size: { warmUp, measured } }) {
    const client = await LoadClient.open(url);
    await client.run(STEPPER, { events: warmUp });
    return {
      async measure() {
        const { frames, bytes } = client;
        const started = performance.now();
        await client.run(STEPPER, { events: measured });
        const elapsed = performance.now() - started;
        const came = client.frames - frames;
        if (came !== measured + 2) throw new Error(`${came} frames came of ${measured} events`);
        return { rate: (measured / elapsed) * 1000, frame: (client.bytes - bytes) / came };
      },
    };
  },
};
