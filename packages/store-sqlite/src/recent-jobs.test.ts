import type { JobId, SessionId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import type { Connection } from "./connection.ts";
import { openDatabase } from "./database-file.ts";
import { GroupCommit } from "./group-commit.ts";
import { JobTable } from "./job-table.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const jobRow = (n: number, input?: string): JobRow => ({
  id: `job_${n}` as JobId,
  principal: n % 2 === 0 ? "alice" : "bob",
  session: "sess_0" as SessionId,
  features: [],
  agent: "echo@1.0.0",
  lease: {},
  traceId: "t",
  // Later jobs come in before earlier ones, in pairs.
  acceptedAt: n ^ 1,
  status: "pending",
  input,
});

/** Jobs are indexed three at a time. */
function open(path = ":memory:") {
  const connection = openDatabase(path);
  const group = new GroupCommit(connection);
  return { connection, group, jobs: new JobTable(connection, group, 3) };
}

const indexed = (connection: Connection) =>
  connection.value("SELECT count(*) FROM jobs WHERE indexed = 1");

async function ids(jobs: JobTable, query: Partial<Parameters<JobTable["list"]>[0]> = {}) {
  const rows = await jobs.list({ limit: 100, ...query });
  return rows.map(({ id }) => Number(id.slice(4)));
}

test("R-6.6-4: indexed jobs and those not yet indexed make one listing, in order and by pages", async () => {
  const { connection, jobs } = open();
  for (let n = 0; n < 8; n++) {
    await jobs.insert(jobRow(n));
    const listed = Array.from({ length: n + 1 }, (_, i) => i).sort((a, b) => (a ^ 1) - (b ^ 1));
    expect(await ids(jobs)).toEqual(listed);
    expect(await ids(jobs, { limit: 2 })).toEqual(listed.slice(0, 2));
  }
  expect(indexed(connection)).toBe(6);
  expect(await ids(jobs, { principal: "alice" })).toEqual([0, 2, 4, 6]);
  const after = { acceptedAt: 5, id: "job_4" as JobId };
  expect(await ids(jobs, { after, limit: 3 })).toEqual([7, 6]);
  expect(await ids(jobs, { after: { acceptedAt: 3, id: "job_2" as JobId }, limit: 3 })).toEqual([
    5, 4, 7,
  ]);
  connection.close();
});

test("large inputs and checkpoints enter the indexes after few jobs, since their rows are written once more then", async () => {
  const { connection, jobs } = open();
  const large = JSON.stringify("x".repeat(1024 * 1024));
  await jobs.insert(jobRow(0, large));
  await jobs.insert(jobRow(1));
  expect(indexed(connection)).toBe(1);
  await jobs.update(jobRow(1).id, { checkpoint: large });
  await jobs.insert(jobRow(2));
  expect(indexed(connection)).toBe(2);
  await jobs.insert(jobRow(3));
  expect(indexed(connection)).toBe(2);
  expect(await jobs.get(jobRow(1).id)).toEqual({ ...jobRow(1), checkpoint: large });
  connection.close();
});

test("inputs and checkpoints are weighed together, and those of indexed jobs not at all", async () => {
  const { connection, jobs } = open();
  const half = JSON.stringify("x".repeat(600 * 1024));
  for (const n of [0, 1]) await jobs.insert(jobRow(n, half));
  expect(indexed(connection)).toBe(0);
  await jobs.insert(jobRow(2));
  expect(indexed(connection)).toBe(2);
  for (const n of [0, 1]) await jobs.update(jobRow(n).id, { checkpoint: half });
  await jobs.insert(jobRow(3));
  expect(indexed(connection)).toBe(2);
  connection.close();
});

test("a job enters the indexes once, by one more write of its own row alone", async () => {
  const { connection, jobs } = open();
  const changes = () => Number(connection.value("SELECT total_changes()"));
  for (let n = 0; n < 9; n++) {
    const before = changes();
    await jobs.insert(jobRow(n));
    expect([n, changes() - before]).toEqual([n, n === 3 || n === 6 ? 4 : 1]);
  }
  connection.close();
});

test("a job keeps its row, whichever job changes and whichever process opens the file", async () => {
  const path = scratch.newFile();
  for (const status of ["running", "success"] as const) {
    const { connection, jobs } = open(path);
    if (status === "running") for (const n of [0, 1]) await jobs.insert(jobRow(n));
    for (const n of [0, 1]) await jobs.update(jobRow(n).id, { status, attempt: n });
    for (const n of [0, 1])
      expect(await jobs.get(jobRow(n).id)).toEqual({ ...jobRow(n), status, attempt: n });
    expect(indexed(connection)).toBe(0);
    connection.close();
  }
});

test("a job can be found, changed and removed whether or not it is indexed", async () => {
  const { connection, jobs } = open();
  for (let n = 0; n < 5; n++) await jobs.insert(jobRow(n, '"input"'));
  expect(indexed(connection)).toBe(3);
  for (const n of [1, 4]) {
    const { id } = jobRow(n);
    await jobs.update(id, { status: "success", finishedAt: 9, input: undefined });
    expect(await jobs.get(id)).toEqual({
      ...jobRow(n),
      status: "success",
      finishedAt: 9,
    });
    expect(await ids(jobs, { statuses: ["success"] })).toEqual([n]);
    expect(jobs.principalOf(id)).toBe(JSON.stringify(jobRow(n).principal));
    await jobs.remove(id);
    expect(await jobs.get(id)).toBeUndefined();
    expect(await ids(jobs)).not.toContain(n);
  }
  expect(await jobs.get(jobRow(3).id)).toEqual(jobRow(3, '"input"'));
  expect(await ids(jobs, { statuses: ["pending", "running"] })).toEqual([0, 3, 2]);
  // A job inserted again takes the place of its former row.
  for (const n of [0, 3]) await jobs.insert(jobRow(n));
  expect(await ids(jobs)).toEqual([0, 3, 2]);
  expect((await jobs.get(jobRow(3).id))?.input).toBeUndefined();
  connection.close();
});

test("a failed transaction's changes to the newest jobs are undone", async () => {
  const { connection, group, jobs } = open();
  for (let n = 0; n < 3; n++) await jobs.insert(jobRow(n));
  const failing = (): never => {
    throw new Error("full");
  };
  const lost = await Promise.allSettled([
    jobs.update(jobRow(1).id, { status: "success" }),
    jobs.remove(jobRow(2).id),
    // Moves the others into the indexes.
    jobs.insert(jobRow(3)),
    jobs.insert(jobRow(4)),
    group.write(failing),
  ]);
  expect(new Set(lost.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(indexed(connection)).toBe(0);
  expect(await ids(jobs, { statuses: ["pending"] })).toEqual([1, 0, 2]);
  await jobs.insert(jobRow(5));
  expect(indexed(connection)).toBe(3);
  expect(await ids(jobs)).toEqual([1, 0, 2, 5]);
  connection.close();
});

test("a key is used only once, even if its job is gone and a transaction fails", async () => {
  const { connection, group, jobs } = open();
  for (const n of [0, 1]) await jobs.insert(jobRow(n));
  await jobs.remove(jobRow(1).id);
  const failing = group.write(() => {
    throw new Error("full");
  });
  await expect(failing).rejects.toThrow("full");
  await jobs.insert(jobRow(2));
  expect(connection.value("SELECT max(key) FROM jobs")).toBe(3);
  connection.close();
});

test("the next process knows which jobs are not indexed", async () => {
  const path = scratch.newFile();
  for (let time = 0; time < 5; time++) {
    const { connection, jobs } = open(path);
    for (let n = 2 * time; n < 2 * time + 2; n++) await jobs.insert(jobRow(n));
    expect(await ids(jobs)).toHaveLength(2 * time + 2);
    // Even if the job indexed last was removed and inserted again.
    if (time === 2) await jobs.remove(jobRow(2).id);
    if (time === 2) await jobs.insert(jobRow(2));
    expect(indexed(connection)).toBe([0, 3, 5, 5, 8][time]);
    connection.close();
  }
});

test("J4, R-14-2: a listing that few jobs fit passes over thousands in strides, and finds jobs indexed meanwhile", async () => {
  const { connection, group, jobs } = open();
  const many = 10_000;
  const insert = (n: number, agent: string) => jobs.insert({ ...jobRow(n), acceptedAt: n, agent });
  await Promise.all(
    Array.from({ length: many }, (_, n) => insert(n, n % 2500 === 0 ? "rare@1.0.0" : "usual")),
  );
  // Of the newest ones these are not indexed yet.
  await insert(many, "rare@1.0.0");
  await insert(many + 1, "rare@1.0.0");
  const reads: number[] = [];
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  const { read } = group;
  group.read = (select) => {
    reads.push(turn);
    return read.call(group, select) as never;
  };
  const before = indexed(connection);
  const listings = Promise.all([
    ids(jobs, { agent: "rare" }),
    ids(jobs, { agent: "rare", principal: "alice" }),
    ids(jobs, { statuses: ["cancelled"] }),
  ]);
  for (let n = 2; n < 8; n++) await insert(many + n, "usual");
  expect(Number(indexed(connection))).toBeGreaterThan(Number(before));
  const rare = [0, 2500, 5000, 7500, many, many + 1];
  expect(await listings).toEqual([rare, rare.filter((n) => n % 2 === 0), []]);
  isOver = true;
  // They begin at once, and go on one after the other.
  expect(reads.length).toBe(8);
  expect(new Set(reads).size).toBe(6);
  expect(await ids(jobs, { agent: "rare", limit: 2 })).toEqual([0, 2500]);
});
