import { newJobId, newSessionId } from "@arcp/core";
import { expect, test } from "vitest";
import type { LogRecord, Run } from "./index.ts";
import { memoryStore } from "./memory-store.ts";

const record = (text: string, kind: LogRecord["kind"] = "event"): LogRecord => ({ kind, text });
const ALL = { records: 1000, characters: 1_000_000 };
const texts = (records: readonly LogRecord[]) => records.map(({ text }) => text);

test("J1: an append is a compare-and-set on the position, separately for every job of the group", async () => {
  const { logs } = memoryStore();
  const [a, b] = [newJobId(), newJobId()];
  expect(
    await logs.append([
      { job: a, after: 0, records: [record("a1"), record("a2")] },
      { job: b, after: 1, records: [record("b2")] },
    ]),
  ).toEqual(["appended", "fenced"]);
  expect(await logs.append([{ job: a, after: 1, records: [record("again")] }])).toEqual(["fenced"]);
  expect(texts((await logs.read(a, 0, ALL)).records)).toEqual(["a1", "a2"]);
  expect((await logs.read(b, 0, ALL)).head).toBe(0);
});

test("a page ends at its limits, but holds at least one record whatever its size", async () => {
  const { logs } = memoryStore();
  const job = newJobId();
  await logs.append([{ job, after: 0, records: ["aaaa", "bb", "cc"].map((t) => record(t)) }]);
  const read = async (after: number, records: number, characters: number) =>
    texts((await logs.read(job, after, { records, characters })).records);
  expect(await read(0, 2, 100)).toEqual(["aaaa", "bb"]);
  expect(await read(0, 9, 6)).toEqual(["aaaa", "bb"]);
  expect(await read(0, 9, 1)).toEqual(["aaaa"]);
  expect(await read(1, 9, 4)).toEqual(["bb", "cc"]);
  expect(await read(3, 9, 100)).toEqual([]);
  expect(await read(0, 0, 100)).toEqual([]);
});

test("P3: beyond its limits a log loses its oldest records, and its floor says so", async () => {
  const logLimits = { records: 3, characters: undefined };
  const { logs } = memoryStore({ logLimits, totalLogCharacters: undefined });
  const job = newJobId();
  for (let i = 1; i <= 10; i++) {
    await logs.append([{ job, after: i - 1, records: [record(`${i}`)] }]);
  }
  const page = await logs.read(job, 2, ALL);
  expect(page).toMatchObject({ floor: 7, head: 10 });
  expect(texts(page.records)).toEqual(["8", "9", "10"]);
  expect(texts((await logs.read(job, 8, ALL)).records)).toEqual(["9", "10"]);
});

test("chunks of a result count towards no limit but are evicted with the records before them", async () => {
  const { logs } = memoryStore({ logLimits: { records: 2 } });
  const job = newJobId();
  const kinds = ["event", "result_chunk", "result_chunk", "event", "event"] as const;
  await logs.append([{ job, after: 0, records: kinds.map((kind, i) => record(`${i + 1}`, kind)) }]);
  const page = await logs.read(job, 0, ALL);
  expect(page.head).toBe(5);
  expect(texts(page.records).slice(-2)).toEqual(["4", "5"]);
  expect(page.floor).toBe(1);
});

test.each([1, 3, 7])(
  "J1: long records keep their places among short ones, appended %i at a time",
  async (size) => {
    const K = 1024;
    const lengths = [5, 40 * K, 6, 32 * K, 32 * K, 32 * K - 1, 7];
    const records = lengths.map((length, i) => record(`${i}`.repeat(length)));
    const { logs } = memoryStore({ logLimits: { characters: 145 * K } });
    const job = newJobId();
    const append = async (after: number) =>
      logs.append([{ job, after, records: records.slice(after, after + size) }]);
    for (let after = 0; after < records.length; after += size) await append(after);
    for (let after = 0; after <= records.length; after++) {
      const page = await logs.read(job, after, ALL);
      expect(page.records.map(({ kind, text }) => ({ kind, text }))).toEqual(records.slice(after));
    }
    // One of them is evicted like any other.
    await logs.append([{ job, after: 7, records: [record("new".repeat(4 * K))] }]);
    const { floor, records: left } = await logs.read(job, 0, ALL);
    expect(floor).toBe(2);
    expect(texts(left)).toEqual([...texts(records).slice(2), "new".repeat(4 * K)]);
  },
);

test("the newest record stays, however large", async () => {
  const { logs } = memoryStore({ logLimits: { characters: 10 } });
  const job = newJobId();
  await logs.append([{ job, after: 0, records: [record("small"), record("x".repeat(100))] }]);
  expect(await logs.read(job, 1, ALL)).toMatchObject({ floor: 1, head: 2 });
});

test("a bell rings once per append, for its own job alone, until it is removed", async () => {
  const { logs } = memoryStore();
  const [a, b] = [newJobId(), newJobId()];
  const rung: string[] = [];
  const silence = logs.listen(a, () => rung.push("first"));
  logs.listen(a, () => rung.push("second"));
  await logs.append([{ job: a, after: 0, records: [record("1"), record("2")] }]);
  silence();
  silence();
  await logs.append([{ job: b, after: 0, records: [record("1")] }]);
  await logs.append([{ job: a, after: 2, records: [record("3")] }]);
  expect(rung).toEqual(["first", "second", "second"]);
});

async function withSession() {
  const { sessions } = memoryStore();
  const id = newSessionId();
  await sessions.insert({
    id,
    principal: "alice",
    features: [],
    epoch: 1,
    tokens: ["t1"],
    acked: 0,
  });
  return { sessions, id };
}

test("R-6.3-7: of all tokens ever set, only the last ones are found", async () => {
  const { sessions, id } = await withSession();
  expect(await sessions.claim(id, 1, ["t1", "t2"])).toBe("committed");
  await sessions.commit(id, 2, { tokens: ["t2", "t3"] });
  expect(await sessions.findByToken("t1")).toBeUndefined();
  for (const token of ["t2", "t3"]) expect(await sessions.findByToken(token)).toBe(id);
  await sessions.forget(id);
  for (const token of ["t2", "t3"]) expect(await sessions.findByToken(token)).toBeUndefined();
});

test("P1: new runs replace those at or above the first of them", async () => {
  const { sessions, id } = await withSession();
  const job = newJobId();
  const run = (from: number, jobFrom: number): Run => ({ from, job, jobFrom, role: "owner" });
  await sessions.commit(id, 1, { runs: [run(1, 1), run(5, 9)] });
  await sessions.commit(id, 1, { runs: [run(5, 7), run(8, 1)] });
  expect(await sessions.runs(id)).toEqual([run(1, 1), run(5, 7), run(8, 1)]);
});

test("R-6.3-18: runs outlive their session until they are removed, and no longer", async () => {
  const { sessions, id } = await withSession();
  const runs: Run[] = [{ from: 1, job: newJobId(), jobFrom: 1, role: "owner" }];
  await sessions.commit(id, 1, { runs });
  await sessions.removeRuns(id);
  expect(await sessions.runs(id)).toEqual(runs);
  await sessions.forget(id);
  expect(await sessions.runs(id)).toEqual(runs);
  expect(await sessions.commit(id, 1, { runs: [] })).toBe("fenced");
  await sessions.removeRuns(id);
  expect(await sessions.runs(id)).toEqual([]);
});

test("a limit that is not a positive number is refused by name", () => {
  expect(() => memoryStore({ totalLogCharacters: 0 })).toThrow(/totalLogCharacters .* above zero/);
  expect(() => memoryStore({ logLimits: { records: Number.NaN } })).toThrow(
    /records .* above zero/,
  );
});
