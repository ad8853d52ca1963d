import { atLeast } from "../goal.ts";
import { LoadClient, type LoadJob } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { CHUNKER, type ChunkerInput, OPENER } from "../targets/agents.ts";
import { type Encoding, PIECE, PIECES_PER_MEGABYTE } from "../targets/pieces.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

/** Mebibytes of each measured result. */
const RESULT = 64;
/** One ends within a twentieth of a second, half of which another program on the machine may take. */
const RESULTS = 5;
/** Of the results that fill the store before: eviction takes from the largest logs, and so from these. */
const FILLING = 192;

/**
 * One job streams its result in chunks of 64 KiB, to the one client that submitted it, and then the next one: the median counts.
 * The in-memory store is full before, as it is for all of a server's life but the beginning: the other targets have their memory
 * before the clock starts, too.
 */
function chunks(id: string, title: string, encoding: Encoding): Scenario {
  return {
    id,
    title,
    operation: "MiB",
    size: { warmUp: 10 * FILLING, measured: RESULTS * RESULT },
    parts: RESULTS,
    targets: [...USUAL_TARGETS, "L1-kept"],
    metrics: [
      { name: "rate", unit: "MB/s", digits: 0 },
      { name: "frame", unit: "bytes/chunk", digits: 0 },
    ],
    goals: [
      atLeast({ id, metric: "rate", must: 0.85, aim: 1 }),
      // What can be sent again must be made and kept, which L1 is spared.
      atLeast({ id, metric: "rate", over: "L1-kept", must: 0.85, aim: 1 }),
    ],
    async prepare({ url, target, size: { warmUp, measured } }) {
      const client = await LoadClient.open(url, { features: ["result_chunk"] });
      // Its frames would be counted with those of the result.
      const other = await LoadClient.open(url);
      let gates = 0;
      const gated = async (megabytes: number) => {
        gates += 1;
        const gate = String(gates);
        const input: ChunkerInput = { megabytes, encoding, gate };
        return { gate, job: await client.submit(CHUNKER, input) };
      };
      /** @returns milliseconds */
      const stream = async ({ gate, job }: { gate: string; job: LoadJob }): Promise<number> => {
        const started = performance.now();
        void other.run(OPENER, { gate });
        await job.ended;
        return performance.now() - started;
      };
      if (target === "runtime") {
        for (let filled = 0; filled < warmUp; filled += FILLING) {
          await stream(await gated(Math.min(warmUp, FILLING)));
        }
      } else await stream(await gated(Math.min(warmUp, RESULT)));
      const part = measured / RESULTS;
      const pieces = part * PIECES_PER_MEGABYTE;
      const { frames, bytes } = client;
      const prepared: Awaited<ReturnType<typeof gated>>[] = [];
      while (prepared.length < RESULTS) prepared.push(await gated(part));
      const rates: number[] = [];
      return {
        async measure() {
          const next = prepared[rates.length];
          if (next === undefined) throw new Error("there is one gate for each part");
          rates.push((pieces * PIECE) / 1000 / (await stream(next)));
          const came = client.frames - frames;
          // Each has its running notice, an empty last chunk and the result.
          const due = RESULTS * (pieces + 3);
          if (rates.length === RESULTS && came !== due) {
            throw new Error(`${came} frames came instead of ${due}`);
          }
          return { rate: median(rates), frame: (client.bytes - bytes) / (rates.length * pieces) };
        },
      };
    },
  };
}

export const s8: readonly Scenario[] = [
  chunks("S8", "a text result in chunks", "utf8"),
  chunks("S8b", "a binary result in chunks", "base64"),
];
