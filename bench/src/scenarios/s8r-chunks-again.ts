import { atLeast } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { CHUNKER, OPENER } from "../targets/agents.ts";
import { type Encoding, PIECE, PIECES_PER_MEGABYTE } from "../targets/pieces.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

/**
 * A session is resumed that had a streamed result before its connection was cut, and gets all of it once more. Here every target
 * sends what is in memory, or in the file: nothing is made for it.
 */
function chunksAgain(id: string, title: string, encoding: Encoding): Scenario {
  return {
    id,
    title,
    operation: "MiB",
    size: { warmUp: 64, measured: 64 },
    targets: USUAL_TARGETS,
    metrics: [{ name: "rate", unit: "MB/s", digits: 0 }],
    goals: [atLeast({ id, metric: "rate", must: 0.85, aim: 1 })],
    async prepare({ url, size: { warmUp, measured } }) {
      const other = await LoadClient.open(url);
      const park = async (megabytes: number, gate: string) => {
        const client = await LoadClient.open(url, { features: ["result_chunk"] });
        const job = await client.submit(CHUNKER, { megabytes, encoding, gate });
        await other.run(OPENER, { gate });
        await job.ended;
        client.cut();
        return { client, job: job.id, pieces: megabytes * PIECES_PER_MEGABYTE };
      };
      type Parked = Awaited<ReturnType<typeof park>>;
      /** @returns milliseconds from the request to the last envelope */
      const resume = async ({ client, job, pieces }: Parked): Promise<number> => {
        const { frames } = client;
        await client.dial();
        const started = performance.now();
        await client.resume(job, 0);
        const elapsed = performance.now() - started;
        const came = client.frames - frames;
        // The running notice, an empty last chunk and the result.
        if (came !== pieces + 3) throw new Error(`${came} frames came of ${pieces} chunks`);
        return elapsed;
      };
      const first = await park(warmUp, "first");
      const parked = await park(measured, "second");
      await resume(first);
      return {
        async measure() {
          return { rate: (parked.pieces * PIECE) / 1000 / (await resume(parked)) };
        },
      };
    },
  };
}

export const s8r: readonly Scenario[] = [
  chunksAgain("S8r", "a text result in chunks, sent again", "utf8"),
  chunksAgain("S8br", "a binary result in chunks, sent again", "base64"),
];
