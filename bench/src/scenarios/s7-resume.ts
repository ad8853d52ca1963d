import { atMost } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { OPENER, STEPPER } from "../targets/agents.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

/** Of each session. */
const EVENTS = 10_000;

/** A session whose connection was cut, and whose only job has ended. */
interface Parked {
  readonly client: LoadClient;
  readonly job: string;
  readonly events: number;
}

/**
 * Sessions are resumed, one after another, each with the small log events of one job.
 * @param replayed whether all of them came before the cut, and come again; otherwise they were emitted after it
 */
function resumes(id: string, title: string, replayed: boolean): Scenario {
  return {
    id,
    title,
    operation: "event",
    size: { warmUp: 2 * EVENTS, measured: 9 * EVENTS },
    targets: USUAL_TARGETS,
    metrics: [{ name: "time", unit: "ms", digits: 1 }],
    goals: [
      atMost({ id, metric: "time", must: 1.2, aim: 0.7 }),
      atMost({ id: `${id}d`, metric: "time", target: "runtime-sqlite", must: 1.2, aim: 0.7 }),
    ],
    async prepare({ url, size: { warmUp, measured } }) {
      const other = await LoadClient.open(url);
      let gates = 0;
      const park = async (events: number): Promise<Parked> => {
        gates += 1;
        const [gate, done] = [`gate-${gates}`, `done-${gates}`];
        const client = await LoadClient.open(url);
        const { id: job, ended } = await client.submit(STEPPER, { events, gate, done });
        if (!replayed) client.cut();
        // A job of another session, which waits for it, reports its end.
        const over = await other.submit(STEPPER, { events: 0, gate: done });
        await other.run(OPENER, { gate });
        await over.ended;
        if (replayed) await ended;
        client.cut();
        return { client, job, events };
      };
      const parkAll = async (events: number): Promise<readonly Parked[]> => {
        const all: Parked[] = [];
        for (let left = events; left > 0; left -= EVENTS) {
          all.push(await park(Math.min(left, EVENTS)));
        }
        return all;
      };
      /** @returns milliseconds from the request to the last envelope */
      const resume = async ({ client, job, events }: Parked): Promise<number> => {
        const after = replayed ? 0 : client.seq;
        const { frames } = client;
        await client.dial();
        const started = performance.now();
        await client.resume(job, after);
        const elapsed = performance.now() - started;
        const came = client.frames - frames;
        if (came !== events + 2 - after) throw new Error(`${came} frames came behind ${after}`);
        return elapsed;
      };
      const [first, parked] = [await parkAll(warmUp), await parkAll(measured)];
      for (const one of first) await resume(one);
      return {
        async measure() {
          const times: number[] = [];
          for (const one of parked) times.push(await resume(one));
          return { time: median(times) };
        },
      };
    },
  };
}

export const s7: readonly Scenario[] = [
  resumes("S7", "resume: small log events emitted while nobody was connected", false),
  resumes("S7r", "resume: small log events sent a second time", true),
];
