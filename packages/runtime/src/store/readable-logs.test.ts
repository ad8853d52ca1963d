import { type JobId, newJobId } from "@arcp/core";
import { pino } from "pino";
import { beforeEach, expect, test } from "vitest";
import { DamagedLog } from "./damage.ts";
import type { LogPage, LogRecord, LogStore } from "./log-store.ts";
import { memoryStore } from "./memory-store.ts";
import { ReadableLogs, readable } from "./readable-logs.ts";

const ALL = { records: 100, characters: 1000 };
const NOTHING = { records: 0, characters: 0 };
const JOB = newJobId();
const TEXTS = ["one", "two", "three", "four", "five"];

/** As jobs write them. */
const text = (type: string, payload: object): string =>
  JSON.stringify({ id: "msg_1", type, job_id: JOB, payload }).slice(1);
const event = (word: string): LogRecord => ({
  kind: "event",
  text: text("job.event", { kind: "log", body: { word } }),
});
const END: LogRecord = {
  kind: "terminal",
  text: text("job.result", { final_status: "success", body: { word: "end" } }),
};

let inner: LogStore;
let said: string[];
let logs: ReadableLogs;

beforeEach(async () => {
  inner = memoryStore().logs;
  said = [];
  const sink = { write: (line: string) => said.push(JSON.parse(line).err.message) };
  logs = new ReadableLogs(inner, pino({ level: "error" }, sink));
  const records = TEXTS.map(event);
  await logs.append([{ job: JOB, after: 0, records }]);
});

/** A store that reports with each page that would contain one of these that they are missing. */
function damage(...seqs: readonly number[]): void {
  const { read } = inner;
  inner.read = async (job, after, limits) => {
    const last = after + Math.min(limits.records, TEXTS.length);
    const through = seqs.find((seq) => seq > after && seq <= last);
    if (job === JOB && through !== undefined) throw new DamagedLog(`${through} is lost`, through);
    return read.call(inner, job, after, limits);
  };
}

const texts = ({ records }: LogPage) =>
  records.map((record) => JSON.parse(`{${record.text}`).payload.body.word);

test("P3: a log begins after its damage, for everyone, once the damage was found", async () => {
  damage(2);
  expect((await logs.read(JOB, 0, NOTHING)).floor).toBe(0);
  expect(texts(await logs.read(JOB, 2, ALL))).toEqual(["three", "four", "five"]);
  const page = await logs.read(JOB, 0, ALL);
  expect(page).toMatchObject({ floor: 2, head: 5, isEndLost: false });
  expect(texts(page)).toEqual(["three", "four", "five"]);
  expect((await logs.read(JOB, 0, NOTHING)).floor).toBe(2);
  expect((await logs.read(JOB, 0, { ...ALL, records: 1 })).floor).toBe(2);
  expect(texts(await logs.read(JOB, 4, ALL))).toEqual(["five"]);
  expect(said).toEqual(["2 is lost"]);
});

test("each damage of a log is reported once, and that of the last record separately", async () => {
  damage(1, 3, 5);
  for (let i = 0; i < 2; i++) {
    const page = await logs.read(JOB, 0, ALL);
    expect(page).toEqual({ floor: 5, head: 5, records: [], isEndLost: true });
  }
  expect(said).toEqual(["1 is lost", "3 is lost", "5 is lost"]);
});

test("what is written after a lost end is read", async () => {
  damage(5);
  await logs.read(JOB, 0, ALL);
  await logs.append([{ job: JOB, after: 5, records: [END] }]);
  const page = await logs.read(JOB, 0, ALL);
  expect(page).toMatchObject({ floor: 5, head: 6, isEndLost: false });
  expect(texts(page)).toEqual(["end"]);
});

test("a log that is removed while it is being read is gone", async () => {
  const { read } = inner;
  damage(2);
  await logs.read(JOB, 0, ALL);
  inner.read = async (...asked) => {
    inner.read = read;
    await logs.remove(JOB);
    return read.apply(inner, asked);
  };
  expect(await logs.read(JOB, 0, ALL)).toMatchObject({ floor: 0, head: 0, isEndLost: false });
});

test("other errors, other jobs and a new log are not affected", async () => {
  damage(2);
  await logs.read(JOB, 0, ALL);
  const other = newJobId();
  await logs.append([{ job: other, after: 0, records: [event("mine")] }]);
  expect(await logs.read(other, 0, ALL)).toMatchObject({ floor: 0, head: 1 });
  await logs.remove(JOB);
  expect(await logs.read(JOB, 0, NOTHING)).toMatchObject({ floor: 0, head: 0 });
  const fails = async (job: JobId) => {
    await expect(logs.read(job, 3, ALL)).rejects.toThrow("busy");
  };
  inner.read = () => Promise.reject(new Error("busy"));
  await fails(JOB);
  await fails(other);
  // Otherwise it would be retried for ever.
  inner.read = () => Promise.reject(new DamagedLog("nothing", 3));
  await expect(logs.read(other, 3, ALL)).rejects.toThrow("nothing");
});

const NONSENSE: Record<string, LogRecord> = {
  "no text": { kind: "event", text: "" },
  "no JSON": { kind: "event", text: "nonsense" },
  "half a text": { kind: "event", text: event("half").text.slice(0, -9) },
  "the end of a job that says to be an event": { ...END, kind: "event" },
  "an event that says to be the end": { ...event("end"), kind: "terminal" },
  "an end that is none": {
    kind: "terminal",
    text: text("job.result", { final_status: "running" }),
  },
  "an unknown end": { kind: "terminal", text: text("job.error", { final_status: "sad" }) },
  "a delegation of nobody": { ...event("child"), kind: "delegate" },
  "a delegation that is no JSON": {
    kind: "delegate",
    text: text("job.event", { body: { child_job_id: "job_1" } }).replace(':"job_1', "job_1"),
  },
  "a credential without an id": { ...event("key"), kind: "credential_rotated" },
};

test.each(Object.entries(NONSENSE))(
  "P3: %s counts as lost, with everything before it, and is reported to the operator",
  async (_, record) => {
    await logs.append([{ job: JOB, after: 5, records: [record, event("seven")] }]);
    const page = await logs.read(JOB, 4, ALL);
    expect(page).toMatchObject({ floor: 6, head: 7, isEndLost: false });
    expect(texts(page)).toEqual(["seven"]);
    expect((await logs.read(JOB, 0, NOTHING)).floor).toBe(6);
    expect(said).toEqual([expect.stringContaining(`record 6 of ${JOB} is not what was written`)]);
  },
);

test("what jobs write of each kind can be read", async () => {
  const child = { ...event("child"), kind: "delegate" } as const;
  const records: LogRecord[] = [
    { ...child, text: text("job.event", { body: { child_job_id: "job_1", word: "child" } }) },
    { kind: "credential_rotated", text: text("job.event", { body: { id: "c", word: "key" } }) },
    END,
  ];
  await logs.append([{ job: JOB, after: 5, records }]);
  expect(texts(await logs.read(JOB, 5, ALL))).toEqual(["child", "key", "end"]);
  expect(said).toEqual([]);
});

test("what cannot be damaged is read without any check", () => {
  const memory = memoryStore();
  const logger = pino({ level: "silent" });
  expect(readable(memory, logger).logs).toBe(memory.logs);
  expect(readable({ ...memory, durable: true }, logger).logs).toBeInstanceOf(ReadableLogs);
});
