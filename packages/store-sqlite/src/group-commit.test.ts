import { setImmediate as turn } from "node:timers/promises";
import { newJobId, newSessionId, newTraceId } from "@arcp/core";
import type { JobRow, LogRecord } from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { CrashingDatabase } from "../test/crashing-database.ts";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { storeOn } from "./sqlite-store.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const ALL = { records: 1_000_000, characters: 1_000_000_000 };
const record = (text: string): LogRecord => ({ kind: "event", text });
const idempotency = (key: string) => ({
  principal: "alice",
  key,
  fingerprint: "f",
  job: newJobId(),
  acceptedAt: 1,
});

/** A store whose statements are counted, after its first, empty, transaction. */
async function counted() {
  let database: CrashingDatabase | undefined;
  const connection = openDatabase(scratch.newFile(), (place) => {
    database = new CrashingDatabase(place, scratch.newFile());
    return database;
  });
  const store = storeOn(connection);
  await store.logs.append([]);
  const since = database?.counted.length ?? 0;
  const statements = () => database?.counted.slice(since) ?? [];
  return {
    store,
    connection,
    statements,
    commits: () => statements().filter((sql) => sql === "COMMIT").length,
  };
}

test("all calls of a turn, on all interfaces, are one transaction in their order", async () => {
  const { store, statements } = await counted();
  const [job, session] = [newJobId(), newSessionId()];
  const row = { id: session, principal: "a", features: [], epoch: 1, tokens: ["t"], acked: 0 };
  await Promise.all([
    store.idempotency.put(idempotency("k")),
    store.sessions.insert(row),
    store.sessions.commit(session, 1, { acked: 1 }),
    ...Array.from({ length: 100 }, (_, index) =>
      store.logs.append([{ job, after: index, records: [record(`${index}`)] }]),
    ),
    store.jobs.update(job, { status: "running" }),
  ]);
  const seen = statements();
  expect(seen.filter((sql) => /^(BEGIN|COMMIT|ROLLBACK)/.test(sql))).toEqual(["BEGIN", "COMMIT"]);
  expect([seen[0], seen.at(-1)]).toEqual(["BEGIN", "COMMIT"]);
  const order = seen.flatMap(
    (sql) => /^INSERT (?:OR REPLACE )?INTO (\w+)|^UPDATE (sessions)/.exec(sql)?.slice(1, 3) ?? [],
  );
  expect([...new Set(order.filter(Boolean))]).toEqual([
    "idempotency",
    "sessions",
    "tokens",
    "records",
    "logs",
  ]);
  expect(seen.filter((sql) => sql.startsWith("INSERT INTO records"))).toHaveLength(100);
  await store.close();
});

test("calls made when a transaction is over share the next one", async () => {
  const { store, commits } = await counted();
  for (let i = 1; i <= 5; i++) {
    await Promise.all([1, 2, 3].map((k) => store.idempotency.put(idempotency(`${i} ${k}`))));
    expect(commits()).toBe(i);
  }
  await store.close();
});

test("calls of the next turn join the same transaction, and later ones do not", async () => {
  const { store, commits } = await counted();
  const job = newJobId();
  const asked = [store.idempotency.put(idempotency("now"))];
  await turn();
  asked.push(store.idempotency.put(idempotency("a turn later")));
  const records = store.logs.append([{ job, after: 0, records: [record("1")] }]);
  expect(commits()).toBe(0);
  await turn();
  expect(commits()).toBe(1);
  const late = store.idempotency.put(idempotency("two turns later"));
  expect(commits()).toBe(1);
  await Promise.all([...asked, records, late]);
  expect(commits()).toBe(2);
  await store.close();
});

test("nothing is visible before it is durable", async () => {
  const { store, commits } = await counted();
  const job = newJobId();
  const rung: number[] = [];
  store.logs.listen(job, () => rung.push(commits()));
  const appending = store.logs.append([{ job, after: 0, records: [record("1")] }]);
  expect((await store.logs.read(job, 0, ALL)).head).toBe(0);
  expect(rung).toEqual([]);
  await appending;
  expect(rung).toEqual([1]);
  await store.logs.append([{ job, after: 0, records: [record("fenced")] }]);
  await store.logs.append([{ job, after: 1, records: [] }]);
  expect(rung).toEqual([1]);
  await store.close();
});

test("a fenced call does not undo its neighbours", async () => {
  const { store } = await counted();
  const job = newJobId();
  const outcomes = await Promise.all([
    store.logs.append([{ job, after: 0, records: [record("1")] }]),
    store.logs.append([{ job, after: 7, records: [record("8")] }]),
    store.sessions.commit(newSessionId(), 1, { acked: 1 }),
    store.logs.append([{ job, after: 1, records: [record("2")] }]),
  ]);
  expect(outcomes).toEqual([["appended"], ["fenced"], "fenced", ["appended"]]);
  expect((await store.logs.read(job, 0, ALL)).head).toBe(2);
  await store.close();
});

test("a failed transaction rejects everything in it, leaves nothing behind, and the store goes on", async () => {
  const { store, connection } = await counted();
  const job = newJobId();
  let rung = 0;
  store.logs.listen(job, () => {
    rung += 1;
  });
  // A full disk, as SQLite reports it.
  const pages = Number(connection.value("PRAGMA page_count"));
  connection.execute(`PRAGMA max_page_count = ${pages + 2}`);
  const results = await Promise.allSettled([
    store.idempotency.put(idempotency("k")),
    store.logs.append([{ job, after: 0, records: [record("x".repeat(100_000))] }]),
    store.sessions.claim(newSessionId(), 1, []),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(rung).toBe(0);
  expect(await store.idempotency.get("alice", "k")).toBeUndefined();
  expect((await store.logs.read(job, 0, ALL)).head).toBe(0);

  connection.execute("PRAGMA max_page_count = 1000000");
  await store.idempotency.put(idempotency("k"));
  expect(await store.logs.append([{ job, after: 0, records: [record("1")] }])).toEqual([
    "appended",
  ]);
  expect(await store.idempotency.get("alice", "k")).toBeDefined();
  await store.close();
});

test("an error after which SQLite does not roll back by itself is rolled back as well", async () => {
  const { store, statements } = await counted();
  const wrong = { ...idempotency("wrong"), job: null as never };
  const results = await Promise.allSettled([
    store.idempotency.put(idempotency("before")),
    store.idempotency.put(wrong),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(statements().at(-1)).toBe("ROLLBACK");
  expect(await store.idempotency.get("alice", "before")).toBeUndefined();
  await store.idempotency.put(idempotency("after"));
  expect(await store.idempotency.get("alice", "after")).toBeDefined();
  await store.close();
});

test("a bell that throws does not keep anyone from learning that the transaction is durable", async () => {
  const { store, connection } = await counted();
  const [job, second, third] = [newJobId(), newJobId(), newJobId()];
  const rung: string[] = [];
  store.logs.listen(job, () => {
    throw new Error("a bell's own fault");
  });
  store.logs.listen(job, () => rung.push("of the same job"));
  store.logs.listen(second, () => rung.push("of the same append"));
  store.logs.listen(third, () => rung.push("of the same transaction"));
  const batch = { after: 0, records: [record("1")] };
  const both = Promise.all([
    store.logs.append([
      { job, ...batch },
      { job: second, ...batch },
    ]),
    store.idempotency.put(idempotency("k")),
    store.logs.append([{ job: third, ...batch }]),
  ]);
  // Closing commits what waits, so that the fault surfaces here and not in the event loop.
  await expect(store.close()).rejects.toThrow("a bell's own fault");
  expect(await both).toEqual([["appended", "appended"], undefined, ["appended"]]);
  expect(rung).toEqual(["of the same job", "of the same append", "of the same transaction"]);
  connection.close();
});

test("closing commits what was asked for; afterwards every call is refused", async () => {
  const path = scratch.newFile();
  const store = storeOn(openDatabase(path));
  const job = newJobId();
  const asked = store.logs.append([{ job, after: 0, records: [record("1")] }]);
  await store.close();
  expect(await asked).toEqual(["appended"]);
  await store.close();
  const calls = [
    () => store.logs.append([{ job, after: 1, records: [] }]),
    () => store.logs.read(job, 0, ALL),
    () => store.logs.remove(job),
    () => store.jobs.list({ limit: 1 }),
    () => store.sessions.get(newSessionId()),
    () => store.idempotency.put(idempotency("k")),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "CLOSED" });
  const again = storeOn(openDatabase(path));
  expect((await again.logs.read(job, 0, ALL)).head).toBe(1);
  await again.close();
});

test("R-7.3-10: a job's records and the changes to its row are one transaction", async () => {
  const { store, statements } = await counted();
  const row: JobRow = {
    id: newJobId(),
    principal: "alice",
    session: newSessionId(),
    features: [],
    agent: "a",
    lease: {},
    traceId: newTraceId(),
    acceptedAt: 1,
    status: "pending",
  };
  await store.jobs.insert(row);
  const before = statements().length;
  const change = { status: "success", finishedAt: 2 } as const;
  await store.logs.append([{ job: row.id, after: 0, records: [record("1")], change }]);
  const seen = statements().slice(before);
  expect(seen.filter((sql) => /^(BEGIN|COMMIT|ROLLBACK)/.test(sql))).toEqual(["BEGIN", "COMMIT"]);
  expect(seen.some((sql) => sql.startsWith("UPDATE jobs SET status"))).toBe(true);
  expect(await store.jobs.get(row.id)).toMatchObject(change);
  await store.close();
});
