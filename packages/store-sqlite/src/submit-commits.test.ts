import { statSync } from "node:fs";
import { connect } from "@arcp/client";
import { linkedPair } from "@arcp/core";
import { allowAnonymous, createRuntime, defineAgent } from "@arcp/runtime";
import { afterAll, expect, test } from "vitest";
import { CrashingDatabase } from "../test/crashing-database.ts";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { storeOn } from "./sqlite-store.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

/** A client of a runtime whose transactions are recorded, each with the tables it wrote to. */
async function counted() {
  let database: CrashingDatabase | undefined;
  const path = scratch.newFile();
  const connection = openDatabase(path, (place) => {
    database = new CrashingDatabase(place, scratch.newFile());
    return database;
  });
  const echo = defineAgent({ name: "echo", run: async (_, input: unknown) => input });
  const runtime = createRuntime({
    agents: [echo],
    auth: allowAnonymous(),
    store: storeOn(connection),
  });
  const { client: near, runtime: far } = linkedPair();
  runtime.serve(far);
  const client = await connect(async () => near, { token: "any" });
  const run = async (key?: string): Promise<unknown> =>
    (await client.submit("echo", 1, key === undefined ? {} : { idempotencyKey: key })).result();
  // Skip what a session asks for only once.
  await run();
  const transactions = (): string[][] => {
    const written: string[][] = [];
    for (const sql of database?.counted ?? []) {
      if (sql === "BEGIN") written.push([]);
      const [, table] = /^(?:INSERT (?:OR REPLACE )?INTO|UPDATE) (\w+)/.exec(sql) ?? [];
      if (table !== undefined) written.at(-1)?.push(table);
    }
    return written.filter((tables) => tables.length > 0);
  };
  let seen = transactions().length;
  /** The tables that each transaction since the last look wrote to. */
  const fresh = (): string[][] => {
    const all = transactions().slice(seen);
    seen += all.length;
    return all.map((tables) => [...new Set(tables)].sort());
  };
  /** Pages written to the write-ahead log, which is not checkpointed this soon. */
  const pages = (): number => Math.floor(statSync(`${path}-wal`).size / 4096);
  const close = async (): Promise<void> => {
    await client.close();
    await runtime.close();
  };
  return { run, fresh, pages, close };
}

test("R-7.1-2, P1: a job that returns at once takes two transactions: its insertion, and all that follows", async () => {
  const { run, fresh, close } = await counted();
  for (let i = 0; i < 3; i++) {
    expect(await run()).toBe(1);
    expect(fresh()).toEqual([["jobs"], ["jobs", "logs", "records", "runs"]]);
  }
  await close();
});

test("R-7.2-5: an idempotency key is in its job's transaction", async () => {
  const { run, fresh, close } = await counted();
  expect(await run("k")).toBe(1);
  expect(fresh()[0]).toEqual(["idempotency", "jobs"]);
  await close();
});

test("concurrent submits share their transactions", async () => {
  const { run, fresh, close } = await counted();
  const results = await Promise.all(Array.from({ length: 64 }, () => run()));
  expect(results).toEqual(Array(64).fill(1));
  expect(fresh().length).toBeLessThan(16);
  await close();
});

test("a job that returns at once writes few pages, as it is in no index yet", async () => {
  const { run, pages, close } = await counted();
  const before = pages();
  for (let i = 0; i < 20; i++) await run();
  // Its row twice, two rows of its log with their index, two records, and what the numbers mean; some pages are new.
  expect((pages() - before) / 20).toBeLessThan(8);
  await close();
});
