import { existsSync, readFileSync, statSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { newJobId, newSessionId, newTraceId } from "@arcp/core";
import type { JobRow, LogRecord, Store } from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { CrashingDatabase } from "../test/crashing-database.ts";
import { HeldFile } from "../test/held-file.ts";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { storeOn } from "./sqlite-store.ts";

// That nothing is reported before the disk has it. What a disk that claims to have it keeps after a power loss, no test of ours can
// show.

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const ALL = { records: 1_000_000, characters: 1_000_000_000 };
const record = (text: string): LogRecord => ({ kind: "event", text });
const row = (): JobRow => ({
  id: newJobId(),
  principal: "alice",
  session: newSessionId(),
  features: [],
  agent: "a",
  lease: {},
  traceId: newTraceId(),
  acceptedAt: 1,
  status: "pending",
});
const key = (name: string) => ({
  principal: "alice",
  key: name,
  fingerprint: "f",
  job: newJobId(),
  acceptedAt: 1,
});

/** A store on a disk that hangs. */
function hanging() {
  const disk = new HeldFile();
  const path = scratch.newFile();
  const connection = openDatabase(path, undefined, () => disk);
  return { disk, path, connection, store: storeOn(connection) };
}

/** Which of these have settled, in that order. */
function watched(promises: Readonly<Record<string, Promise<unknown>>>): string[] {
  const settled: string[] = [];
  for (const [name, promise] of Object.entries(promises)) {
    promise.then(
      () => settled.push(name),
      (error: Error) => settled.push(`${name}: ${error.message}`),
    );
  }
  return settled;
}

/** Lets everything happen that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await turn();
}

/** A read of each interface that finds something of the job. */
const reads = (store: Store, { id, session }: JobRow) => ({
  log: store.logs.read(id, 0, ALL),
  job: store.jobs.get(id),
  jobs: store.jobs.list({ limit: 9 }),
  token: store.sessions.findByToken("t"),
  session: store.sessions.get(session),
  sessions: store.sessions.list(),
  attachments: store.sessions.attachments(session),
  runs: store.sessions.runs(session),
  refusal: store.sessions.refusal(session, newSessionId() as never),
  key: store.idempotency.get("alice", "k"),
  credentials: store.credentials.list(),
});

/** A write of each interface. */
const writes = (store: Store, job: JobRow) => ({
  session: store.sessions.insert({
    id: job.session,
    principal: "alice",
    features: [],
    epoch: 1,
    tokens: ["t"],
    acked: 0,
  }),
  key: store.idempotency.put({ ...key("k"), job: job.id }),
  job: store.jobs.insert(job),
  log: store.logs.append([{ job: job.id, after: 0, records: [record("1")] }]),
  fenced: store.logs.append([{ job: job.id, after: 7, records: [record("8")] }]),
  credential: store.credentials.insert({ alias: "c", job: job.id, provisioner: "p", askedAt: 1 }),
});

test("J2: on every interface, nothing is answered, rung or read before it is on the disk", async () => {
  const { disk, store, connection } = hanging();
  const job = row();
  const rung: number[] = [];
  store.logs.listen(job.id, () => rung.push(disk.held));
  const written = watched(writes(store, job));
  await settle();
  // The system has it, and would keep it if the process were killed.
  expect(connection.value("SELECT count(*) FROM records")).toBe(1);
  expect(disk.held).toBe(1);
  const asked = reads(store, job);
  const read = watched(asked);
  await settle();
  expect([written, read, rung]).toEqual([[], [], []]);

  disk.release();
  await settle();
  expect(written.toSorted()).toEqual(["credential", "fenced", "job", "key", "log", "session"]);
  expect(rung).toEqual([0]);
  expect(read).toHaveLength(Object.keys(asked).length);
  expect(await asked.log).toEqual({ floor: 0, head: 1, records: [record("1")] });
  expect([await asked.job, await asked.jobs]).toMatchObject([{ id: job.id }, [{ id: job.id }]]);
  expect(await asked.key).toMatchObject({ job: job.id });

  // With no write in flight, nobody waits for the disk.
  await Promise.all(Object.values(reads(store, job)));
  expect(disk.begun).toBe(1);
  await store.close();
});

test("J2: what is committed during a sync is reported after the next one, which all of it shares", async () => {
  const { disk, store } = hanging();
  const told = watched({ first: store.idempotency.put(key("1")) });
  await settle();
  const later = watched({ second: store.idempotency.put(key("2")) });
  await settle();
  const last = watched({ third: store.idempotency.put(key("3")) });
  await settle();
  const read = watched({ read: store.idempotency.get("alice", "1") });
  await settle();
  expect(disk).toMatchObject({ held: 1, begun: 1 });

  disk.release();
  await settle();
  // The read saw a state that is durable only with the next sync.
  expect([told, later, last, read]).toEqual([["first"], [], [], []]);
  expect(disk).toMatchObject({ held: 1, begun: 2 });
  disk.release();
  await settle();
  expect([later, last, read]).toEqual([["second"], ["third"], ["read"]]);
  expect(disk).toMatchObject({ held: 0, begun: 2 });
  await store.close();
});

test("a failed disk ends the store: nothing is reported any more, and nothing is taken", async () => {
  const { disk, store, path } = hanging();
  const job = row();
  await Promise.all([settle(), store.credentials.list()]);
  let rung = 0;
  store.logs.listen(job.id, () => {
    rung += 1;
  });
  const first = watched(writes(store, job));
  await settle();
  const second = watched({ put: store.idempotency.put(key("2")) });
  const read = watched(reads(store, job));
  await settle();
  const asked = watched({ put: store.idempotency.put(key("3")) });

  disk.fail(new Error("EIO: i/o error, fdatasync"));
  await settle();
  const why =
    "the store is closed, because what it wrote may not be on disk: EIO: i/o error, fdatasync; open it again";
  for (const each of [first, second, read, asked]) {
    expect(each.length).toBeGreaterThan(0);
    for (const answer of each) expect(answer.endsWith(`: ${why}`), answer).toBe(true);
  }
  expect(rung).toBe(0);
  const after = [...Object.values(writes(store, row())), ...Object.values(reads(store, job))];
  for (const call of after) await expect(call).rejects.toMatchObject({ code: "CLOSED" });
  // Another sync would prove nothing.
  expect(disk.begun).toBe(1);
  await store.close();
  expect(disk.closed).toBe(true);
  await storeOn(openDatabase(path)).close();
});

test("a store closed during a sync waits for it, and for what was asked for in time", async () => {
  const { disk, store } = hanging();
  const asked = watched({ early: store.idempotency.put(key("1")) });
  await settle();
  const late = watched({ late: store.idempotency.put(key("2")) });
  const read = watched({ read: store.idempotency.get("alice", "1") });
  const closed = watched({ closed: store.close(), again: store.close() });
  await turn();
  const refused = watched({ put: store.idempotency.put(key("3")), list: store.sessions.list() });
  await settle();
  expect([asked, late, read, closed]).toEqual([[], [], [], []]);
  expect(refused).toEqual(["put: the store is closed", "list: the store is closed"]);
  disk.release();
  await settle();
  expect([asked, late, read, closed]).toEqual([["early"], [], ["read"], []]);
  disk.release();
  await settle();
  expect([late, closed]).toEqual([["late"], ["closed", "again"]]);
  expect(disk.closed).toBe(true);
});

test("no checkpoint begins while the disk hangs, and one does afterwards", async () => {
  const { disk, store, path } = hanging();
  const job = newJobId();
  const append = (after: number) =>
    store.logs.append([{ job, after, records: Array(1000).fill(record("x".repeat(1500))) }]);
  const first = append(0);
  await settle();
  const { size } = statSync(path);
  const others = [append(1000), append(2000), append(3000)];
  await settle();
  // More than the four megabytes that usually trigger one.
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(8_000_000);
  expect(statSync(path).size).toBe(size);
  disk.free();
  await Promise.all([first, ...others]);
  await append(4000);
  expect(statSync(path).size).toBeGreaterThan(size + 8_000_000);
  await store.close();
});

test("a failed transaction does not wait for the disk", async () => {
  const { disk, store } = hanging();
  const failed = watched({ put: store.idempotency.put({ ...key("1"), job: null as never }) });
  await settle();
  expect([failed.length, disk.begun]).toEqual([1, 0]);
  await store.close();
});

test("a database in memory has no disk to wait for", async () => {
  const store = storeOn(openDatabase(":memory:", undefined, () => expect.fail("it has no log")));
  await store.idempotency.put(key("1"));
  expect(await store.idempotency.get("alice", "1")).toBeDefined();
  await store.close();
});

test("once a store has failed, its refusals touch no database, since every job asks once more", async () => {
  const disk = new HeldFile();
  let database: CrashingDatabase | undefined;
  const connect = (place: string) => {
    database = new CrashingDatabase(place, scratch.newFile());
    return database;
  };
  const store = storeOn(openDatabase(scratch.newFile(), connect, () => disk));
  const put = watched({ put: store.idempotency.put(key("1")) });
  while (disk.held === 0) await turn();
  const before = database?.counted.length;
  disk.fail(new Error("EIO"));
  for (let i = 0; i < 10; i++) {
    const refused = store.logs.append([{ job: newJobId(), after: 0, records: [record("1")] }]);
    await expect(refused).rejects.toMatchObject({ code: "CLOSED" });
  }
  expect(put).toHaveLength(1);
  expect(database?.counted.length).toBe(before);
  await store.close();
});

test("a failed disk leaves the previous backup in place, and a backup waits for the disk", async () => {
  const { disk, store } = hanging();
  const copy = scratch.newFile();
  disk.free();
  await store.idempotency.put(key("1"));
  await store.backup(copy);
  const before = readFileSync(copy);

  disk.hang();
  const lost = watched({ put: store.idempotency.put(key("2")) });
  while (disk.held === 0) await turn();
  const early = store.backup(copy);
  const waiting = watched({ early });
  await settle();
  expect(waiting).toEqual([]);
  disk.fail(new Error("EIO"));
  await expect(early).rejects.toMatchObject({ code: "CLOSED" });
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "CLOSED" });
  expect(lost).toHaveLength(1);
  expect(readFileSync(copy).equals(before)).toBe(true);
  expect(existsSync(`${copy}.unfinished`)).toBe(false);
  await store.close();
});
