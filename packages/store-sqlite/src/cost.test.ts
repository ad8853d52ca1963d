import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@arcp/core";
import { type AgentContext, createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { CountedDatabase } from "../test/counted-database.ts";
import { Viewer } from "../test/viewer.ts";
import { storeOn } from "./sqlite-store.ts";

/** Every check here counts: no clock, no machine and no load affects it. */

async function settled(turns = 40): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}

/** A runtime on a counted database, and one session that submits. */
async function hosting() {
  const { database, connection } = CountedDatabase.open(":memory:");
  const contexts: AgentContext[] = [];
  const led = defineAgent({
    name: "led",
    run(ctx) {
      contexts.push(ctx);
      return new Promise(() => {});
    },
  });
  const quick = defineAgent({ name: "quick", run: () => "done" });
  const runtime = createRuntime({
    agents: [led, quick],
    auth: tokenTable({ secret: "alice" }),
    store: storeOn(connection),
    clock: new ManualClock(),
    logger: pino({ level: "silent" }),
  });
  const greeted = async (): Promise<Viewer> => {
    const viewer = new Viewer(runtime);
    await viewer.hello();
    return viewer;
  };
  return { database, runtime, contexts, greeted, viewer: await greeted() };
}

describe("a burst of events", () => {
  /** What this many events cost when each is awaited before the next, with this many watching sessions. */
  async function burst(count: number, subscribers: number) {
    const { database, contexts, greeted, viewer } = await hosting();
    const { job_id } = await viewer.submit("led");
    const viewers = [viewer];
    for (let i = 0; i < subscribers; i++) {
      const other = await greeted();
      await other.reply(other.send("job.subscribe", { job_id, history: true }, { job_id }));
      viewers.push(other);
    }
    const [ctx] = contexts;
    await ctx?.log.info("the runs are open");
    await settled();
    const before = database.ran.length;
    const rows = { runs: database.size("runs"), attachments: database.size("attachments") };
    for (let i = 0; i < count; i++) await ctx?.log.info("event");
    await ctx?.flush();
    await settled(count / 16);
    for (const { stream } of viewers) expect(stream).toHaveLength(count + 2);
    database.ran.splice(0, before);
    expect({ runs: database.size("runs"), attachments: database.size("attachments") }).toEqual(
      rows,
    );
    expect(database.size("records")).toBe(count + 2);
    return database;
  }

  test("takes a transaction for two turns and a row for each record, whoever watches", async () => {
    for (const count of [1_000, 5_000]) {
      const turns = Math.ceil(count / 256);
      for (const subscribers of [0, 10]) {
        const database = await burst(count, subscribers);
        expect(database.count("INSERT INTO records")).toBe(count);
        expect(database.count("COMMIT")).toBeLessThanOrEqual(turns / 2 + 2);
        expect(database.count("BEGIN")).toBe(database.count("COMMIT"));
        expect(database.count("UPDATE logs")).toBeLessThanOrEqual(turns + 1);
        const others = database.ran.filter(
          (sql) => !/^(INSERT INTO records|BEGIN|COMMIT|UPDATE logs|SELECT)/.test(sql),
        );
        expect(others).toEqual([]);
      }
    }
  });
});

describe.each([[false], [true]])("a submit with an idempotency key: %j", (keyed) => {
  test("runs the same statements after 10 finished jobs and after 5,000, each using an index", async () => {
    const costs: Array<{ ran: string[]; rows: number }> = [];
    for (const finished of [10, 5_000]) {
      const { database, viewer } = await hosting();
      const submit = (n: number) =>
        viewer.submit("quick", keyed ? { idempotency_key: `key ${n}` } : {});
      for (let n = 0; n < finished; n += 100) {
        const jobs = Array.from({ length: Math.min(100, finished) }, (_, i) => submit(n + i));
        for (const { job_id } of await Promise.all(jobs)) await viewer.terminal(job_id);
        viewer.frames.length = 0;
        await settled(8);
      }
      expect(database.size("jobs")).toBe(finished);
      database.ran.length = database.rows = 0;
      const { job_id } = await submit(finished);
      await viewer.terminal(job_id);
      await settled();
      costs.push({ ran: [...database.ran], rows: database.rows });
      for (const sql of new Set(database.ran)) {
        if (!/^(BEGIN|COMMIT)/.test(sql)) expect([sql, database.scans(sql)]).toEqual([sql, []]);
      }
    }
    const [first, last] = costs;
    expect(last).toEqual(first);
    // One for the key, which has to be there before the job is.
    const commits = first?.ran.filter((sql) => sql === "COMMIT").length;
    expect(commits).toBeLessThanOrEqual(keyed ? 5 : 4);
    expect(first?.ran.length).toBeLessThanOrEqual(keyed ? 16 : 14);
  });
});

test("R-6.6-4: a page of a listing reads only its own rows, by an index, however many jobs there are", async () => {
  const costs: number[] = [];
  // More than those whose logs are kept in memory as the latest appended to.
  for (const finished of [600, 1_200]) {
    const { database, viewer } = await hosting();
    for (let n = 0; n < finished; n += 50) {
      const jobs = Array.from({ length: 50 }, () => viewer.submit("quick"));
      for (const { job_id } of await Promise.all(jobs)) await viewer.terminal(job_id);
      viewer.frames.length = 0;
    }
    await settled();
    database.ran.length = database.rows = 0;
    const { payload } = await viewer.reply(viewer.send("session.list_jobs", { limit: 10 }));
    expect(payload.jobs).toHaveLength(10);
    expect(database.ran.length).toBeLessThanOrEqual(1 + 2 * 11);
    for (const sql of new Set(database.ran)) expect([sql, database.scans(sql)]).toEqual([sql, []]);
    costs.push(database.rows);
  }
  expect(costs[1]).toBe(costs[0]);
});

test("R-6.6-4: a listing of running jobs reads none that have ended", async () => {
  const { database, viewer } = await hosting();
  await viewer.submit("led");
  await settled();
  database.ran.length = 0;
  const filter = { status: ["running"] };
  const { payload } = await viewer.reply(viewer.send("session.list_jobs", { filter }));
  expect(payload.jobs).toHaveLength(1);
  const [sql = ""] = database.ran.filter((text) => text.includes("ORDER BY accepted_at"));
  expect(database.scans(sql)).toEqual(["SCAN jobs USING INDEX jobs_unfinished"]);
});
