import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { pino } from "pino";
import { afterAll, expect, test } from "vitest";
import { CountedDatabase } from "../test/counted-database.ts";
import { Scratch } from "../test/scratch.ts";
import { Viewer } from "../test/viewer.ts";
import { storeOn } from "./sqlite-store.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

async function settled(turns = 60): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}

/** A process on a file that keeps this many finished jobs per principal, and a session that submits. */
async function hosting(file: string, finishedJobsPerPrincipal: number) {
  const { database, connection } = CountedDatabase.open(file);
  const store = storeOn(connection);
  const clock = new ManualClock();
  const runtime = createRuntime({
    agents: [defineAgent({ name: "quick", run: () => "done" })],
    auth: tokenTable({ secret: "alice" }),
    store,
    limits: { finishedJobsPerPrincipal },
    clock,
    logger: pino({ level: "silent" }),
  });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const run = async (count: number): Promise<(string | undefined)[]> => {
    const replies = await Promise.all(Array.from({ length: count }, () => viewer.submit("quick")));
    for (const { job_id } of replies) await viewer.terminal(job_id);
    viewer.frames.length = 0;
    await settled();
    return replies.map(({ job_id }) => job_id);
  };
  const sizes = () =>
    ["jobs", "logs", "records"].map((table) => database.size(table as "jobs" | "logs"));
  /** Resolves once at most this many jobs are left, which takes the disk some time. */
  const left = async (most: number) => {
    // Jobs that ended together were not read yet when they were too many, and are looked at again.
    await settled();
    clock.advance(1000);
    while (Number(database.size("jobs")) > most) await turn();
    while (Number(database.size("removed")) > 0) await turn();
  };
  const ids = async () => (await store.jobs.list({ limit: 1000 })).map(({ id }) => id as string);
  return { database, runtime, run, sizes, left, ids };
}

test("R-14-2: the file keeps as many finished jobs as the limit allows, after a restart as many as its own allows", async () => {
  const file = scratch.newFile();
  const before = await hosting(file, 40);
  for (let burst = 0; burst < 5; burst++) await before.run(50);
  await before.left(40);
  expect(before.sizes()).toEqual([40, 40, 80]);
  const kept = await before.ids();
  await before.runtime.close();
  const after = await hosting(file, 10);
  await after.left(10);
  expect(after.sizes()).toEqual([10, 10, 20]);
  expect(kept).toEqual(expect.arrayContaining(await after.ids()));
  const last = await after.run(3);
  await after.left(10);
  expect(await after.ids()).toEqual(expect.arrayContaining(last));
  expect(after.sizes()).toEqual([10, 10, 20]);
  await after.runtime.close();
});

test("S9, R-14-2: a job that ends beyond the limit runs the same statements however many are kept, all by index", async () => {
  const costs: Array<{ ran: string[]; rows: number }> = [];
  // More than those whose rows and logs are in memory.
  for (const most of [600, 1200]) {
    const { database, run, sizes } = await hosting(":memory:", most);
    for (let n = 0; n < most + 100; n += 50) await run(50);
    expect(sizes()[0]).toBe(most);
    database.ran.length = database.rows = 0;
    await run(1);
    expect(sizes()[0]).toBe(most);
    costs.push({ ran: [...database.ran], rows: database.rows });
    for (const sql of new Set(database.ran)) {
      // For these any row will do.
      if (!/^(BEGIN|COMMIT|SELECT log FROM removed)/.test(sql))
        expect([sql, database.scans(sql)]).toEqual([sql, []]);
    }
  }
  expect(costs[1]).toEqual(costs[0]);
});
