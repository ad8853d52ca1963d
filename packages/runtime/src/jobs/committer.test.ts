import { type JobId, LocalError, ManualClock, newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { heldStore, settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";
import type { LogBatch } from "../store/index.ts";
import { LongRecord } from "../store/long-record.ts";
import { LongText } from "../store/long-text.ts";
import { memoryStore } from "../store/memory-store.ts";
import { type CommitOutcome, type Committable, Committer } from "./committer.ts";
import { type LogLoss, LogWriter } from "./log-writer.ts";

class Writer implements Committable {
  readonly outcomes: Array<CommitOutcome | Error> = [];
  readonly #job: JobId;
  readonly #texts: readonly string[];
  #taken = 0;

  constructor(job: JobId, texts: readonly string[]) {
    this.#job = job;
    this.#texts = texts;
  }

  get waiting(): number {
    return this.#texts.length - this.#taken;
  }

  take(most: number): LogBatch {
    const after = this.#taken;
    const texts = this.#texts.slice(after, after + most);
    this.#taken += texts.length;
    return { job: this.#job, after, records: texts.map((text) => ({ kind: "event", text })) };
  }

  settle(_batch: LogBatch, outcome: CommitOutcome | Error): void {
    this.outcomes.push(outcome);
  }
}

function committing() {
  const clock = new ManualClock();
  const store = heldStore();
  return { clock, store, committer: new Committer(store.logs, clock), append: store.logs.append };
}

const ALL = { records: 100, characters: 100_000 };

test("a store that is briefly busy is tried again, and no job notices", async () => {
  const { clock, store, committer, append } = committing();
  let failures = 3;
  store.logs.append = async (batches) => {
    if (failures-- > 0) throw new Error("SQLITE_BUSY");
    return append(batches);
  };
  const writers = [new Writer(newJobId(), ["a"]), new Writer(newJobId(), ["b"])];
  for (const writer of writers) committer.enlist(writer);
  for (const pause of [20, 100, 500]) {
    await settled(3);
    expect(writers.map(({ outcomes }) => outcomes)).toEqual([[], []]);
    clock.advance(pause);
  }
  await settled(3);
  expect(writers.map(({ outcomes }) => outcomes)).toEqual([["appended"], ["appended"]]);
  expect(clock.pending).toBe(0);
});

test("J4: a store call takes a limited part of a lone flood", async () => {
  const { store, committer, append } = committing();
  const sizes: number[][] = [];
  store.logs.append = (batches) => {
    sizes.push(batches.map(({ records }) => records.length));
    return append(batches);
  };
  const flood = new Writer(
    newJobId(),
    Array.from({ length: 2500 }, (_, i) => `${i}`),
  );
  committer.enlist(flood);
  await settled(10);
  expect(sizes).toEqual([[1024], [1024], [452]]);
});

test("J4: writers beside a flood are in every call, and for a while calls take less of the flood", async () => {
  const { store, committer, append } = committing();
  const sizes: number[][] = [];
  store.logs.append = (batches) => {
    sizes.push(batches.map(({ records }) => records.length));
    return append(batches);
  };
  const texts = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  const [flood, beside] = [
    new Writer(newJobId(), texts(32 * 256 + 2000)),
    new Writer(newJobId(), texts(3)),
  ];
  for (const writer of [flood, beside]) committer.enlist(writer);
  await settled(80);
  const meanwhile = Array.from({ length: 31 }, () => [256]);
  expect(sizes).toEqual([[256, 3], ...meanwhile, [1024], [976]]);
  expect([flood.outcomes.length, beside.outcomes.length]).toEqual([34, 1]);
});

test("J4: a store call takes a limited number of flooding jobs, and those left out come first in the next", async () => {
  const { store, committer, append } = committing();
  const calls: string[][] = [];
  store.logs.append = (batches) => {
    calls.push(batches.map(({ job }) => job));
    return append(batches);
  };
  const jobs = Array.from({ length: 2500 }, () => newJobId());
  const [late = newJobId()] = jobs.slice(-1);
  const writers = jobs.map((job) => new Writer(job, job === late ? ["a"] : ["a", "b"]));
  for (const writer of writers) committer.enlist(writer);
  await settled(20);
  expect(calls.map(({ length }) => length)).toEqual([1024, 1024, 1024, 1024, 903]);
  expect(calls[2]).toContain(late);
  expect(calls.flat().length).toBe(2 * 2500 - 1);
  for (const { outcomes } of writers) expect(new Set(outcomes)).toEqual(new Set(["appended"]));
});

test("J4: several jobs' records go in one call if they fit, and are shared equally if they do not", async () => {
  const { store, committer, append } = committing();
  const sizes: number[][] = [];
  store.logs.append = (batches) => {
    sizes.push(batches.map(({ records }) => records.length));
    return append(batches);
  };
  const enlist = (...counts: number[]) => {
    for (const count of counts) {
      const texts = Array.from({ length: count }, () => "x");
      committer.enlist(new Writer(newJobId(), texts));
    }
  };
  enlist(250, 250, 250, 250, 24);
  await settled(3);
  expect(sizes.splice(0)).toEqual([[250, 250, 250, 250, 24]]);
  enlist(220, 220, 220, 220, 220);
  await settled(5);
  expect(sizes).toEqual([
    [205, 205, 205, 205, 205],
    [15, 15, 15, 15, 15],
  ]);
});

test("J1: an append that failed after it was written is recognised as one's own, and not fenced off", async () => {
  const { clock, store, committer, append } = committing();
  let lost = true;
  store.logs.append = async (batches) => {
    const outcomes = await append(batches);
    if (!lost) return outcomes;
    lost = false;
    throw new Error("the connection broke before the answer came");
  };
  const job = newJobId();
  const writer = new Writer(job, ["a", "b"]);
  committer.enlist(writer);
  await settled(3);
  clock.advance(20);
  await settled(3);
  expect(writer.outcomes).toEqual(["recognised"]);
  const { records } = await store.logs.read(job, 0, ALL);
  expect(records.map(({ text }) => text)).toEqual(["a", "b"]);
});

test("J1: after a failure another writer's records are still told from one's own", async () => {
  const { clock, store, committer, append } = committing();
  const job = newJobId();
  let first = true;
  store.logs.append = async (batches) => {
    if (!first) return append(batches);
    first = false;
    await append([{ job, after: 0, records: [{ kind: "event", text: "a rival's" }] }]);
    throw new Error("SQLITE_BUSY");
  };
  const writer = new Writer(job, ["a"]);
  committer.enlist(writer);
  await settled(3);
  clock.advance(20);
  await settled(3);
  expect(writer.outcomes).toEqual(["fenced"]);
});

test("J1: after a failure a change without records is fenced off by another writer's records", async () => {
  const { clock, store, committer, append } = committing();
  const job = newJobId();
  let first = true;
  store.logs.append = async (batches) => {
    if (!first) return append(batches);
    first = false;
    await append([{ job, after: 0, records: [{ kind: "event", text: "a rival's" }] }]);
    throw new Error("SQLITE_BUSY");
  };
  const writer = new Writer(job, []);
  committer.enlist(writer);
  await settled(3);
  clock.advance(20);
  await settled(3);
  expect(writer.outcomes).toEqual(["fenced"]);
});

test("a store that keeps failing is given up, and every writer is told why", async () => {
  const { clock, store, committer } = committing();
  store.logs.append = () => Promise.reject("no error at all");
  const writer = new Writer(newJobId(), ["a"]);
  committer.enlist(writer);
  for (const pause of [20, 100, 500, 2000]) {
    await settled(3);
    clock.advance(pause);
  }
  await settled(3);
  expect(writer.outcomes).toEqual([new Error("no error at all")]);
});

test("R-7.3-3: one failed append does not keep any job's end from its viewers", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const jobs = [await start(viewer), await start(viewer)];
  await settled();
  const { append } = store.logs;
  store.logs.append = async () => {
    store.logs.append = append;
    throw new Error("SQLITE_BUSY");
  };
  for (const { ctx, end } of jobs) {
    await ctx.log.info("in the failing group");
    end("done");
  }
  await settled();
  clock.advance(20);
  for (const { id } of jobs) expect((await viewer.terminal(id)).payload.result).toBe("done");
  expect(viewer.seqs).toEqual(dense(6));
});

test("R-7.3-3: a job whose log is lost for good is reported as over, and its agent stops", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  await settled();
  store.logs.append = () => Promise.reject(new Error("disk full"));
  await job.ctx.log.info("never kept");
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
  expect(job.ctx.signal.aborted).toBe(true);
  const { id: job_id } = job;
  const told = await viewer.reply(viewer.send("job.subscribe", { job_id }, { job_id }));
  expect(told.payload.current_status).toBe("error");
  const cancelled = await viewer.reply(viewer.send("job.cancel", { job_id }, { job_id }));
  expect(cancelled.payload.current_status).toBe("error");
});

test("a closed store is called once, and every writer is told at once", async () => {
  const { clock, store, committer } = committing();
  const closed = new LocalError("CLOSED", "the store is closed");
  let asked = 0;
  store.logs.append = async () => {
    asked += 1;
    throw closed;
  };
  const writer = new Writer(newJobId(), ["a"]);
  committer.enlist(writer);
  await settled(3);
  expect([asked, writer.outcomes, clock.pending]).toEqual([1, [closed], 0]);
});

test("long records that were evicted before they were known to be stored fence off only their own job", async () => {
  const clock = new ManualClock();
  const { logs } = memoryStore({ totalLogCharacters: 100_000 });
  const append = logs.append.bind(logs);
  let failures = 1;
  logs.append = async (batches) => {
    const outcomes = await append(batches);
    if (failures-- > 0) throw new Error("no answer");
    return outcomes;
  };
  const committer = new Committer(logs, clock);
  const losses: Array<[string, LogLoss]> = [];
  const writing = (name: string): LogWriter =>
    new LogWriter(newJobId(), committer, { failed: (_, loss) => losses.push([name, loss]) });
  const [large, small] = [writing("large"), writing("small")];
  for (let i = 0; i < 4; i++) {
    void large.append(new LongRecord("result_chunk", LongText.ofAscii("x".repeat(50_000))));
  }
  void small.append({ kind: "event", text: "a" });
  await settled(3);
  clock.advance(20);
  await settled(3);
  expect(small.durable).toBe(1);
  expect(losses).toEqual([["large", "fenced"]]);
});
