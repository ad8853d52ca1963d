import { atMost } from "../goal.ts";
import { inFlight } from "../in-flight.ts";
import { LoadClient } from "../load-client.ts";
import type { Goal, Scenario } from "../scenario.ts";
import { percentile } from "../statistics.ts";
import { STEPPER } from "../targets/agents.ts";
import { USUAL_TARGETS } from "../targets/target.ts";
import { IN_FLIGHT, WARM } from "./s2-submits.ts";

/** L1-durable's work for a submit. */
const COMMITS = 2;

/**
 * How many bare commits the durable store adds: the job before its acceptance, and its end before the result, need one each. The
 * unit is L1's cost of a commit within a submit. In a tight loop a commit would cost two thirds of that: between two waits for a
 * client, everything that it needs has cooled down.
 */
const commits: Goal = {
  id: "S1d",
  title: "p50 of runtime-sqlite minus that of L1, in bare commits",
  unit: "commits",
  digits: 2,
  better: "lower",
  must: 2,
  aim: 1.5,
  of: (round) => {
    const commit = (round("L1-durable", "p50") - round("L1", "p50")) / COMMITS;
    return (round("runtime-sqlite", "p50") - round("L1", "p50")) / commit;
  },
};

/** A job that returns at once, submitted when the previous result has come. */
export const s1: Scenario = {
  id: "S1",
  title: "submit to result, one at a time",
  operation: "submit",
  size: { warmUp: WARM, measured: 4_000 },
  targets: [...USUAL_TARGETS, "L1-durable", "L1-unheld"],
  metrics: [
    { name: "p50", unit: "µs", digits: 0 },
    { name: "p99", unit: "µs", digits: 0 },
  ],
  goals: [
    atMost({ id: "S1", metric: "p50", must: 1.5, aim: 1.2 }),
    commits,
    // Both commits, and no client delayed by them: what is left is what S1 compares.
    atMost({
      id: "S1d",
      metric: "p50",
      target: "runtime-sqlite",
      over: "L1-unheld",
      must: 1.5,
      aim: 1.2,
    }),
  ],
  async prepare({ url, size: { warmUp, measured } }) {
    const client = await LoadClient.open(url);
    const submit = async (): Promise<number> => {
      const submitted = performance.now();
      await client.run(STEPPER, { events: 0 });
      return (performance.now() - submitted) * 1000;
    };
    // Most of them concurrently, which is quicker; the last ones as they are measured.
    const alone = Math.ceil(warmUp / 20);
    await inFlight(warmUp - alone, IN_FLIGHT, async () => void (await submit()));
    for (let i = 0; i < alone; i++) await submit();
    return {
      async measure() {
        const times: number[] = [];
        for (let i = 0; i < measured; i++) times.push(await submit());
        return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
      },
    };
  },
};
