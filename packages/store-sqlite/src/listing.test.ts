import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type JobId, newMessageId, newSessionId, newTraceId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { sqliteStore } from "./sqlite-store.ts";

const JOBS = 100;
const MIB = 1024 * 1024;

/** Bytes in use after a garbage collection. */
function heap(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

/** Bytes that a listing of all jobs holds, by a store of its own. */
async function takenByListing(path: string): Promise<number> {
  const store = sqliteStore(path);
  const start = heap();
  const rows = await store.jobs.list({ limit: 1000 });
  const taken = heap() - start;
  expect(rows).toHaveLength(JOBS);
  await store.close();
  return taken;
}

test("R-14-2: a listing of many large jobs takes a small part of the heap that one such job takes", async () => {
  using scratch = new Scratch();
  const path = scratch.newFile();
  const before = sqliteStore(path);
  const input = JSON.stringify("x".repeat(MIB));
  for (let i = 0; i < JOBS; i++) {
    const row: JobRow = {
      id: `job_${`${i}`.padStart(4, "0")}` as JobId,
      principal: "alice",
      session: newSessionId(),
      features: [],
      request: newMessageId(),
      agent: "research@1.0.0",
      input,
      checkpoint: input,
      lease: {},
      traceId: newTraceId(),
      acceptedAt: i,
      status: "running",
    };
    await before.jobs.insert(row);
  }
  await before.close();
  const taken = [
    await takenByListing(path),
    await takenByListing(path),
    await takenByListing(path),
  ];
  // // The minimum: what the process takes for itself meanwhile, such as compiled code, may be as much.
  expect(Math.min(...taken)).toBeLessThan(MIB / 2);
  const store = sqliteStore(path);
  expect((await store.jobs.get(`job_0042` as JobId))?.input).toBe(input);
  await store.close();
});
