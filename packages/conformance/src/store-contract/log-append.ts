import assert from "node:assert/strict";
import { newJobId } from "@arcp/core";
import { memoryStore } from "@arcp/runtime";
import type { LogRecord, RecordKind } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { EVERYTHING, jobRow, record, records, textsOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const logAppendCases: readonly StoreCase[] = [
  storeCase("J1: each batch of an append is a compare-and-set on its job", {}, async (stage) => {
    const { logs } = stage.store;
    const [a, b, c] = [newJobId(), newJobId(), newJobId()];
    await logs.append([{ job: a, after: 0, records: records(1, 2) }]);
    same(
      await logs.append([
        { job: b, after: 0, records: records(1, 3) },
        { job: a, after: 1, records: records(100, 1) },
        { job: c, after: 1, records: records(100, 2) },
        { job: newJobId(), after: 0, records: records(1, 1) },
      ]),
      ["appended", "fenced", "fenced", "appended"],
    );
    same(await logs.append([{ job: a, after: 3, records: records(100, 1) }]), ["fenced"]);
    same(await logs.append([{ job: a, after: 2, records: records(3, 1) }]), ["appended"]);
    await stage.holds(async (store) => {
      same(await textsOf(store, a), ["1", "2", "3"]);
      same(await textsOf(store, b), ["1", "2", "3"]);
      same(await store.logs.read(c, 0, EVERYTHING), { floor: 0, head: 0, records: [] });
    });
  }),

  storeCase(
    "J1: after a restart the position is where it was",
    { needs: ["reopen"] },
    async (s) => {
      const job = newJobId();
      await s.store.logs.append([{ job, after: 0, records: records(1, 5) }]);
      await s.reopen();
      same(await s.store.logs.append([{ job, after: 4, records: records(100, 1) }]), ["fenced"]);
      same(await s.store.logs.append([{ job, after: 5, records: records(6, 1) }]), ["appended"]);
      same(await textsOf(s.store, job, 3), ["4", "5", "6"]);
    },
  ),

  storeCase("J1: of two writers at one position the first one wins", {}, async (stage) => {
    const job = newJobId();
    const { logs } = stage.store;
    const outcomes = await Promise.all(
      ["a", "b", "c"].map((text) => logs.append([{ job, after: 0, records: [record(text)] }])),
    );
    same(outcomes, [["appended"], ["fenced"], ["fenced"]]);
    await stage.holds(async (store) => same(await textsOf(store, job), ["a"]));
  }),

  storeCase("appends that wait for nothing follow one another", {}, async (stage) => {
    const job = newJobId();
    const { logs } = stage.store;
    const calls = Array.from({ length: 50 }, (_, index) =>
      logs.append([{ job, after: index * 2, records: records(index * 2 + 1, 2) }]),
    );
    for (const outcome of await Promise.all(calls)) same(outcome, ["appended"]);
    await stage.holds(async (store) => {
      same(
        await textsOf(store, job),
        records(1, 100).map(({ text }) => text),
      );
    });
  }),

  storeCase("an append of nothing tells where the log ends", {}, async ({ store: { logs } }) => {
    const job = newJobId();
    same(await logs.append([]), []);
    same(await logs.append([{ job, after: 1, records: [] }]), ["fenced"]);
    same(await logs.append([{ job, after: 0, records: [] }]), ["appended"]);
    await logs.append([{ job, after: 0, records: records(1, 2) }]);
    same(await logs.append([{ job, after: 2, records: [] }]), ["appended"]);
    same(await logs.append([{ job, after: 0, records: [] }]), ["fenced"]);
    assert.equal((await logs.read(job, 0, EVERYTHING)).head, 2);
  }),

  storeCase("a change of a job comes with its records", {}, async (stage) => {
    const { logs, jobs } = stage.store;
    const [a, b] = [jobRow(), jobRow()];
    await Promise.all([a, b].map((row) => jobs.insert(row)));
    const change = { status: "success", finishedAt: 7, input: undefined } as const;
    same(
      await logs.append([
        { job: a.id, after: 0, records: records(1, 2), change: { status: "running" } },
        { job: b.id, after: 0, records: records(1, 1), change },
        { job: newJobId(), after: 0, records: records(1, 1), change },
      ]),
      ["appended", "appended", "appended"],
    );
    await stage.holds(async (store) => {
      same(await store.jobs.get(a.id), { ...a, status: "running" });
      same(await store.jobs.get(b.id), { ...b, ...change });
    });
  }),

  storeCase("a change of a job comes without records too", {}, async (stage) => {
    const { logs, jobs } = stage.store;
    const row = jobRow();
    await jobs.insert(row);
    const append = (after: number, remaining: string, texts: readonly LogRecord[] = []) =>
      logs.append([
        { job: row.id, after, records: texts, change: { remaining: { USD: remaining } } },
      ]);
    same(await append(0, "0.75"), ["appended"]);
    same((await jobs.get(row.id))?.remaining, { USD: "0.75" });
    same(await append(0, "0.5", records(1, 2)), ["appended"]);
    same(await append(2, "0.25"), ["appended"]);
    same(await append(1, "0"), ["fenced"]);
    await stage.holds(async (store) => {
      same(await store.jobs.get(row.id), { ...row, remaining: { USD: "0.25" } });
      same(await textsOf(store, row.id), ["1", "2"]);
    });
  }),

  storeCase("J1: a batch that is fenced off changes nothing of its job", {}, async (stage) => {
    const { logs, jobs } = stage.store;
    const row = jobRow();
    await jobs.insert(row);
    const change = { status: "error", finishedAt: 7 } as const;
    const append = (after: number, text: string) =>
      logs.append([{ job: row.id, after, records: [record(text)], change }]);
    same(await append(1, "too far"), ["fenced"]);
    same(await logs.append([{ job: row.id, after: 0, records: [record("1")] }]), ["appended"]);
    same(await append(0, "too late"), ["fenced"]);
    await stage.holds(async (store) => same(await store.jobs.get(row.id), row));
  }),

  storeCase(
    "J2: who finds a change of a job finds the records that brought it",
    {},
    async (stage) => {
      const { logs, jobs } = stage.store;
      const row = jobRow();
      await jobs.insert(row);
      const change = { status: "success", finishedAt: 7 } as const;
      const asked = logs.append([{ job: row.id, after: 0, records: records(1, 1), change }]);
      let done = false;
      void asked.then(() => {
        done = true;
      });
      while (!done) {
        const seen = await jobs.get(row.id);
        if (seen?.status === "success") same(await textsOf(stage.store, row.id), ["1"]);
        const [listed] = await jobs.list({ statuses: ["success"], limit: 1 });
        if (listed !== undefined) same(await textsOf(stage.store, row.id), ["1"]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      same((await jobs.get(row.id))?.status, "success");
    },
  ),

  storeCase("records keep their order and their kind", {}, async (stage) => {
    const kinds: readonly RecordKind[] = [
      "event",
      "progress",
      "result_chunk",
      "budget",
      "credential_rotated",
      "terminal",
      "delegate",
    ];
    const job = newJobId();
    const given: LogRecord[] = Array.from({ length: 1200 }, (_, index) =>
      record(`text ${index}`, kinds[index % kinds.length]),
    );
    await stage.store.logs.append([{ job, after: 0, records: given.slice(0, 700) }]);
    await stage.store.logs.append([{ job, after: 700, records: given.slice(700) }]);
    await stage.holds(async (store) =>
      same(await store.logs.read(job, 0, EVERYTHING), { floor: 0, head: 1200, records: given }),
    );
  }),

  storeCase(
    "a text comes back as it was, whatever well-formed Unicode it is",
    {},
    async (stage) => {
      // A text is JSON, in which lone surrogates and characters below U+0020 are written as escapes; raw ones need not survive.
      const escaped = JSON.stringify({ text: "\ud800 and \udfff, \0 and \u001f" });
      const texts = [
        "",
        "\u007f\u0085\u2028\u2029\ufeff\ufffe\uffff\ufffd",
        "é e\u0301 ü 漢字 עברית 😀 👩‍👩‍👧 \u{10ffff}",
        `'"\`;--%_?\\`,
        escaped,
      ];
      const job = newJobId();
      await stage.store.logs.append([
        { job, after: 0, records: texts.map((text) => record(text)) },
      ]);
      await stage.holds(async (store) => same(await textsOf(store, job), texts));
    },
  ),

  storeCase("a text may be large", {}, async (stage) => {
    const job = newJobId();
    const texts = ["x".repeat(1 << 20), "small", "é".repeat(1 << 20)];
    await stage.store.logs.append([{ job, after: 0, records: texts.map((text) => record(text)) }]);
    await stage.holds(async (store) => assert.ok(equalTexts(await textsOf(store, job), texts)));
  }),

  storeCase("a text that is lent is taken before the append resolves", {}, async (stage) => {
    const job = newJobId();
    const texts = ["x".repeat(1 << 16), "small", "é".repeat(1 << 16)];
    const lender = memoryStore().logs;
    await lender.append([{ job, after: 0, records: texts.map((text) => record(text)) }]);
    const { records: lent } = await lender.read(job, 0, EVERYTHING);
    assert.ok(lent.some(({ long }) => long !== undefined));
    await stage.store.logs.append([{ job, after: 0, records: lent }]);
    for (const { long } of lent) long?.giveBack();
    await lender.remove(job);
    await stage.holds(async (store) => assert.ok(equalTexts(await textsOf(store, job), texts)));
  }),
];

/** Without a difference of megabytes in the message. */
function equalTexts(actual: readonly string[], expected: readonly string[]): boolean {
  return actual.length === expected.length && actual.every((text, i) => text === expected[i]);
}
