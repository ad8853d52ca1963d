// What compressing messages (permessage-deflate) would save and cost: `soak compression [rounds]`. It fails when the
// reason to leave it off no longer holds.
import { amount } from "../../../scripts/soak-arguments.ts";
import { type Cost, costOf, logEvents, WAYS, type Way, words } from "../test/compression.ts";

const KINDS = [
  {
    name: "a small event",
    count: 20_000,
    batch: 64,
    text: (i: number) => `page ${i} of 20000 done`,
  },
  { name: "4 KiB of text", count: 2_000, batch: 16, text: () => words(4 * 1024) },
  { name: "64 KiB of text", count: 300, batch: 4, text: () => words(64 * 1024) },
];

/** How many times the processor time of a small event may be before compressing it is too dear. */
const DEAR = 3;

const rounds = amount(process.argv[2], 3);
for (const { name, count, batch, text } of KINDS) {
  const frames = logEvents(count, text);
  const costs = new Map<Way, Cost[]>(WAYS.map((way) => [way, []]));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [way, all] of costs) {
      const cost = await costOf(way, frames, batch);
      if (round > 0) all.push(cost);
    }
  }
  const plain = median(costs.get("joined") ?? []);
  console.log(`${name}, ${frames[0]?.length} characters:`);
  for (const [way, all] of costs) {
    const { bytes, cpu } = median(all);
    const ratios = `${(bytes / plain.bytes).toFixed(2)} of the bytes, ${(cpu / plain.cpu).toFixed(1)} times the time`;
    console.log(`  ${way}: ${bytes.toFixed(0)} bytes, ${cpu.toFixed(2)} µs: ${ratios}`);
  }
  const deflated = median(costs.get("deflate alone") ?? []);
  // Message by message costs more as well: alone that would pass for the price of compression.
  if (!(deflated.bytes < plain.bytes)) fail("nothing was compressed");
  if (batch === 64 && !(deflated.cpu / plain.cpu >= DEAR)) {
    fail(`compressing a small event is no longer ${DEAR} times as dear: think again`);
  }
}

function fail(message: string): void {
  console.error(`WRONG: ${message}`);
  process.exitCode = 1;
}

function median(costs: readonly Cost[]): Cost {
  const sorted = [...costs].sort((a, b) => a.cpu - b.cpu);
  return sorted[Math.floor(sorted.length / 2)] ?? { bytes: Number.NaN, cpu: Number.NaN };
}
