import { DatabaseSync } from "node:sqlite";
import { connect } from "@arcp/client";
import { linkedPair, ManualClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { storeOn } from "./sqlite-store.ts";
import { NO_FILE } from "./wal-file.ts";

const DAY = 24 * 60 * 60 * 1000;

/** The number of rows in each table. */
function rowsOf(file: string): Record<string, number> {
  const database = new DatabaseSync(file);
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all()
    .map(({ name }) => String(name));
  const rows = tables.map((name) => {
    const [count] = database.prepare(`SELECT count(*) AS rows FROM ${name}`).all();
    return [name, Number(count?.["rows"])];
  });
  database.close();
  return Object.fromEntries(rows);
}

test("R-14-3: when the time of every job and session is up, nothing of them is left in the file", async () => {
  using scratch = new Scratch();
  const file = scratch.newFile();
  const clock = new ManualClock();
  const talk = defineAgent({
    name: "talk",
    async run(ctx, input) {
      for (let i = 0; i < Number(input); i++) {
        await ctx.log.info(`${i}`);
        await ctx.result.write(`${i}`);
      }
    },
  });
  const runtime = createRuntime({
    agents: [talk],
    auth: tokenTable({ a: "alice", b: "bob" }),
    // // A disk that needs no time, since this test waits in turns.
    store: storeOn(openDatabase(file, undefined, () => NO_FILE)),
    policy: { mayObserve: () => true },
    limits: { retentionSec: 60, resumeWindowSec: 60, backPressureThreshold: 20 },
    clock,
  });
  const open = (token: string, features?: readonly string[]) =>
    connect(
      async () => {
        const { client, runtime: far } = linkedPair();
        runtime.serve(far);
        return client;
      },
      { token, ...(features && { features }) },
    );
  for (let round = 0; round < 4; round++) {
    const owner = await open("a");
    const mute = await open("a", ["subscribe", "result_chunk"]);
    const observer = await open("b");
    const jobs = await Promise.all(
      [50, 30, 5].map((count, i) =>
        owner.submit("talk", count, { idempotencyKey: `${round} ${i}` }),
      ),
    );
    for (const { id } of jobs) {
      const watching = await Promise.all(
        [mute, observer].map((client) => client.subscribe(id, { history: true })),
      );
      await Promise.all(watching.map((job) => job.text()));
    }
    // // The same job again, for another session.
    const again = await observer.subscribe(jobs[0]?.id ?? "");
    await again.outcome();
    await Promise.all([owner, mute, observer].map((client) => client.close()));
  }
  const busy = await open("a");
  await busy.close();
  const pass = async (ms: number, steps: number) => {
    for (let i = 0; i < steps; i++) {
      clock.advance(ms / steps);
      for (let turn = 0; turn < 20; turn++) await new Promise((go) => setImmediate(go));
    }
  };
  await pass(60_000, 6);
  await pass(DAY, 10);
  await pass(60_000, 6);
  await runtime.close();
  const rows = rowsOf(file);
  expect(Object.keys(rows).length).toBeGreaterThan(6);
  expect(rows).toEqual(Object.fromEntries(Object.keys(rows).map((name) => [name, 0])));
});
