import { ManualClock, newJobId, newSessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { closedVault } from "../authority/vault.ts";
import { Dialect } from "../dialect/dialect.ts";
import type { LogRecord } from "../store/index.ts";
import { memoryStore } from "../store/memory-store.ts";
import { Attachment } from "./attachment.ts";
import { Batch } from "./batch.ts";
import { Lag } from "./lag.ts";
import { Stream } from "./stream.ts";

const [A, B] = [newJobId(), newJobId()];
const record: LogRecord = { kind: "event", text: '"trace_id":"t"}' };

function streamAt(issued: number, threshold = 1000): Stream {
  const lag = new Lag({ threshold, clock: new ManualClock() });
  const { sessions } = memoryStore();
  const stream = new Stream({
    session: newSessionId(),
    features: new Set(["ack"]),
    epoch: 1,
    host: { store: sessions, failed: () => {} },
    lag,
  });
  stream.journal.issue(issued);
  return stream;
}

const context = {
  vault: closedVault,
  dialect: new Dialect("draft"),
  introduces: () => true,
};

const owner = (job: typeof A) => new Attachment({ job, role: "owner", after: 0, since: 0 });

test("P1: a run above the next number, committed and never sent under, is not extended backwards", () => {
  const stream = streamAt(2);
  stream.journal.open([
    { from: 1, job: A, jobFrom: 1, role: "owner" },
    { from: 5, job: B, jobFrom: 9, role: "owner" },
  ]);
  // Counted back from number 5, record 7 of B would have number 3; but by the journal that number belongs to A.
  const batch = new Batch(stream, "", context);
  batch.add(owner(B), 6, [record, record]);
  expect(batch.runs).toEqual([{ from: 3, job: B, jobFrom: 7, role: "owner" }]);
});

test("P1: a run that was committed and never sent under is continued from its own number", () => {
  const stream = streamAt(4);
  stream.journal.open([
    { from: 1, job: A, jobFrom: 1, role: "owner" },
    { from: 5, job: B, jobFrom: 9, role: "owner" },
  ]);
  const batch = new Batch(stream, "", context);
  batch.add(owner(B), 8, [record, record]);
  expect(batch.runs).toEqual([]);
  expect(batch.last).toBe(6);
});

test("R-6.5-8: a batch contains at most one notice, over all jobs", () => {
  const batch = new Batch(streamAt(0, 2), "", context);
  batch.add(owner(A), 0, [record, record, record, record]);
  batch.add(owner(B), 0, [record, record, record, record]);
  expect(batch.warns).toBe(true);
  expect(batch.runs.map(({ from, job, jobFrom }) => [from, job, jobFrom])).toEqual([
    [1, A, 1],
    [4, A, 3],
    [5, A, 4],
    [6, B, 1],
  ]);
  expect(batch.runs.filter(({ said }) => said !== undefined)).toHaveLength(1);
  expect(batch.last).toBe(9);
});
