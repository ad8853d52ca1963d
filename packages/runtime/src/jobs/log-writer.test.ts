import { type Clock, type JobId, ManualClock, newJobId, systemClock } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { heldStore, settled } from "../../test/held-store.ts";
import type { LogRecord } from "../store/index.ts";
import { BACKLOG_LIMITS } from "./backlog.ts";
import { Committer } from "./committer.ts";
import { LogWriter } from "./log-writer.ts";

const record = (text: string): LogRecord => ({ kind: "event", text });
const MAX_BACKLOG = BACKLOG_LIMITS.count;
const ALL = { records: Number.MAX_SAFE_INTEGER, characters: Number.MAX_SAFE_INTEGER };

function writing(store = heldStore(), job: JobId = newJobId(), clock: Clock = systemClock) {
  const failures: Error[] = [];
  const writer = new LogWriter(job, new Committer(store.logs, clock), {
    failed: (e) => failures.push(e),
  });
  return { store, job, writer, failures };
}

test("J1: job_seq is dense from 1, however the store's commits split the records", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }),
      async (bursts) => {
        const { store, job, writer } = writing();
        let count = 0;
        for (const burst of bursts) {
          for (let i = 0; i < burst; i++) {
            expect(writer.nextSeq).toBe(count + 1);
            count += 1;
            void writer.append(record(`${count}`));
          }
          if (burst % 3 === 0) await settled(1);
        }
        await writer.flush();
        const page = await store.logs.read(job, 0, ALL);
        expect(page.head).toBe(count);
        expect(page.records.map(({ text }) => text)).toEqual(
          Array.from({ length: count }, (_, i) => `${i + 1}`),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("J1: of two writers of one log the second is fenced off, and none of its records is ever readable", async () => {
  const { store, job, writer } = writing();
  const rival = writing(store, job);
  void writer.append(record("a"));
  await writer.flush();
  void rival.writer.append(record("A"));
  await expect(rival.writer.flush()).rejects.toThrow("another writer");
  expect(rival.failures).toHaveLength(1);

  // It stays fenced, although its own count would now fit the log's end.
  void rival.writer.append(record("B"));
  void writer.append(record("b"));
  await writer.flush();
  await expect(rival.writer.flush()).rejects.toThrow("another writer");
  const page = await store.logs.read(job, 0, ALL);
  expect(page.records.map(({ text }) => text)).toEqual(["a", "b"]);
});

test("J1: two jobs in one commit have separate outcomes: the fenced one does not harm the other", async () => {
  const store = heldStore();
  const committer = new Committer(store.logs, systemClock);
  const jobs = [newJobId(), newJobId()] as const;
  const failed: JobId[] = [];
  const writers = jobs.map(
    (job) => new LogWriter(job, committer, { failed: () => failed.push(job) }),
  );
  await store.logs.append([{ job: jobs[0], after: 0, records: [record("somebody else's")] }]);
  for (const writer of writers) void writer.append(record("ours"));
  await expect(writers[0]?.flush()).rejects.toThrow("another writer");
  await writers[1]?.flush();
  expect(failed).toEqual([jobs[0]]);
});

test("J2: an append is accepted at once, and flush waits for the store", async () => {
  const { store, job, writer } = writing();
  store.held.logs.hold();
  void writer.append(record("a"));
  let durable = false;
  const flushed = writer.flush().then(() => {
    durable = true;
  });
  await settled();
  expect(durable).toBe(false);
  expect(writer.durable).toBe(0);
  expect((await store.logs.read(job, 0, ALL)).head).toBe(0);
  await store.held.logs.open();
  await flushed;
  expect(writer.durable).toBe(1);
});

test("J2: flush waits for what was accepted before it, not for what came after", async () => {
  const { store, writer } = writing();
  store.held.logs.hold();
  void writer.append(record("a"));
  const first = writer.flush();
  await settled(3);
  void writer.append(record("b"));
  const second = writer.flush();
  let both = false;
  void second.then(() => {
    both = true;
  });
  await store.held.logs.release();
  await first;
  expect(both).toBe(false);
  await store.held.logs.open();
  await second;
});

test("appends during a commit go into the next one together", async () => {
  const store = heldStore();
  store.held.logs.hold();
  const { writer } = writing(store);
  void writer.append(record("a"));
  await settled(2);
  for (let i = 0; i < 100; i++) void writer.append(record("b"));
  await settled(2);
  expect(store.held.logs.waiting).toBe(1);
  await store.held.logs.open();
  await writer.flush();
  expect(store.appended).toEqual([1, 100]);
});

test("a full backlog has no room, accepts the end nevertheless, and empties with the next commit", async () => {
  const { store, job, writer } = writing();
  store.held.logs.hold();
  for (let i = 0; i < MAX_BACKLOG; i++) void writer.append(record(`${i}`));
  expect(() => writer.checkRoom()).toThrow(/await/);
  expect(writer.nextSeq).toBe(MAX_BACKLOG + 1);
  void writer.append(record("the end"));
  await store.held.logs.open();
  await writer.flush();
  void writer.append(record("again"));
  await writer.flush();
  const { records } = await store.logs.read(job, MAX_BACKLOG, ALL);
  expect(records.map(({ text }) => text)).toEqual(["the end", "again"]);
});

test("a failing store fails the writer with an error, once, and leaves no promise pending", async () => {
  const store = heldStore();
  store.logs.append = () => Promise.reject(new Error("disk full"));
  const clock = new ManualClock();
  const { writer, failures } = writing(store, newJobId(), clock);
  void writer.append(record("a"));
  const before = writer.flush();
  const failed = expect(before).rejects.toThrow("disk full");
  // The committer tries four more times before it gives up.
  for (const pause of [20, 100, 500, 2000]) {
    await settled(3);
    expect(failures).toEqual([]);
    clock.advance(pause);
  }
  await failed;
  void writer.append(record("b"));
  await expect(writer.flush()).rejects.toThrow("disk full");
  expect(failures).toHaveLength(1);
});

test("R-7.3-10, J3: a failed writer changes nothing of a job that somebody else has ended", async () => {
  const store = heldStore();
  const [job, committer] = [newJobId(), new Committer(store.logs, systemClock)];
  const changes: unknown[] = [];
  const writer = new LogWriter(job, committer, {
    committing: (last) => ({ finishedAt: last }),
    failed: () => {},
  });
  const { append } = store.logs;
  store.logs.append = (batches) => {
    changes.push(...batches.flatMap(({ change }) => change ?? []));
    return append(batches);
  };
  await append([{ job, after: 0, records: [record("another's")] }]);
  void writer.append(record("mine"));
  await expect(writer.flush()).rejects.toThrow("another writer");
  expect(changes).toEqual([{ finishedAt: 1 }]);
  // As after a commit of a part, or a change noted beside the log. By its own count the log ends where it does.
  committer.enlist(writer);
  await settled(2);
  expect(changes).toEqual([{ finishedAt: 1 }]);
  expect(writer.durable).toBe(0);
});

test("J2: with records stored in parts, each commit reports its own part and what was accepted in all", async () => {
  const told: unknown[] = [];
  const writer = new LogWriter(newJobId(), new Committer(heldStore().logs, systemClock), {
    committing: (last, accepted) => {
      told.push(["committing", last, accepted]);
      return last === 1024 ? { finishedAt: last } : undefined;
    },
    committed: (...outcome) => told.push(["committed", ...outcome]),
    failed: () => {},
  });
  for (let i = 0; i < 1500; i++) void writer.append(record(`${i}`));
  await writer.flush();
  expect(told).toEqual([
    ["committing", 1024, 1500],
    ["committed", { finishedAt: 1024 }, true, 1024],
    ["committing", 1500, 1500],
    ["committed", undefined, true, 1500],
  ]);
});

test("a writer that awaits every append never reaches the backlog's bound, however slow the store", async () => {
  const { store, job, writer } = writing();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    await settled(40);
    return append(batches);
  };
  const count = 3 * MAX_BACKLOG;
  for (let i = 0; i < count; i++) await writer.append(record(`${i}`));
  await writer.flush();
  expect((await store.logs.read(job, 0, { records: 0, characters: 0 })).head).toBe(count);
});

test("a slow store makes an append wait, and its next commit lets it go on", async () => {
  const { store, writer } = writing();
  store.held.logs.hold();
  let last: Promise<void> | undefined;
  for (let i = 0; i <= 1024; i++) last = writer.append(record(`${i}`));
  let relieved = false;
  void last?.then(() => {
    relieved = true;
  });
  await settled();
  expect(relieved).toBe(false);
  await store.held.logs.open();
  await last;
});

test("a backlog is bounded in characters too, and awaiting relieves it", async () => {
  const { store, writer } = writing();
  store.held.logs.hold();
  const large = record("x".repeat(1024 * 1024));
  for (let i = 0; i < 65; i++) void writer.append(large);
  expect(() => writer.checkRoom()).toThrow(/await/);
  await store.held.logs.open();
  await writer.flush();
  for (let i = 0; i < 200; i++) await writer.append(large);
});
