/**
 * A program that prints how many bytes of each entry that came and went only a full garbage collection frees:
 * `[TransientMap, Map]`. Run it with `--expose-gc --single-threaded-gc --no-incremental-marking`: then the collector
 * does nothing by itself that could be counted as well.
 */
import { TransientMap } from "../src/transient-map.ts";

const ENTRIES = 20_000;
/** How many there are at a time. */
const KEPT = 64;

interface Entries {
  set(key: number, value: object): unknown;
  delete(key: number): boolean;
}

const collect = (globalThis as { gc?: (options?: { type: "minor" }) => void }).gc;
if (collect === undefined) throw new Error("run with --expose-gc");

function left(map: Entries): number {
  let next = 0;
  const pass = (entries: number): void => {
    for (const end = next + entries; next < end; next++) {
      map.delete(next - KEPT);
      map.set(next, new Array(256).fill(next));
    }
  };
  pass(1000);
  // From here on the map is old.
  collect?.();
  pass(ENTRIES);
  // What survives two of them is no longer young garbage.
  collect?.({ type: "minor" });
  collect?.({ type: "minor" });
  const before = process.memoryUsage().heapUsed;
  collect?.();
  return (before - process.memoryUsage().heapUsed) / ENTRIES;
}

console.log(JSON.stringify([left(new TransientMap<number, object>()), left(new Map())]));
