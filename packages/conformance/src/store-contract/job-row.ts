import assert from "node:assert/strict";
import { type Lease, type MessageId, newJobId, newMessageId, newSessionId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { jobRow, listed } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const jobRowCases: readonly StoreCase[] = [
  storeCase("a job comes back as it was inserted", {}, async (stage) => {
    const full = jobRow({
      maxRuntimeSec: 0.5,
      status: "cancelled",
      finishedAt: 1_790_000_000_001.5,
      remaining: { EUR: "0.10", USD: "12345678901234567890.123456789" },
      cancel: { reason: "enough", details: { reason: "session_ended" } },
      workspace: "/srv/work",
      // A clock may have fractions of a millisecond.
      acceptedAt: 1_790_000_000_000.25,
      keepUntil: 1_790_000_000_000.5,
      expiresAt: 1_790_000_060_000.75,
      attempt: 3,
      checkpoint: '{"page":7}',
      streamed: true,
      traceContext: { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "a=1" },
      firstAttempt: { traceparent: `00-${"a".repeat(32)}-${"c".repeat(16)}-01` },
    });
    const rows: readonly JobRow[] = [
      jobRow(),
      full,
      jobRow({ features: [], lease: {}, cancel: {} }),
      jobRow({ request: undefined, parent: full.id, delegateId: "d-1" }),
      jobRow({ input: JSON.stringify("x".repeat(1 << 20)) }),
    ];
    for (const row of rows) await stage.store.jobs.insert(row);
    await stage.holds(async ({ jobs }) => {
      for (const row of rows) same(await jobs.get(row.id), row);
      assert.equal(await jobs.get(newJobId()), undefined);
    });
  }),

  storeCase(
    "texts of a job are kept as they are, and `__proto__` is a key like any other",
    { requirements: ["R-5.2-6"] },
    async (stage) => {
      // From a client's JSON: what a program would not write, but a parser returns.
      const lease: Lease = JSON.parse(
        '{"tool.call":["a\\u0000b","\\ud800"],"__proto__":{"constructor":["x"]},"":[]}',
      );
      const cancel: JobRow["cancel"] = JSON.parse('{"reason":"\\udfff\\ud800 😀\\u0000"}');
      const rows = ["\ud800", "\ud801", "\ufffd", "a\0", "a", "", '"', "__proto__"].map((text) =>
        jobRow({
          principal: text,
          request: text as MessageId,
          lease,
          cancel,
          delegateId: text,
          workspace: text,
          traceContext: { traceparent: text, tracestate: text },
        }),
      );
      for (const row of rows) await stage.store.jobs.insert(row);
      await stage.holds(async ({ jobs }) => {
        for (const row of rows) {
          const kept = await jobs.get(row.id);
          same(kept, row);
          same(Object.keys(kept?.lease ?? {}), ["tool.call", "__proto__", ""]);
          const { principal, request } = row;
          same(await jobs.list({ principal, limit: 9 }), [listed(row)]);
          same(await jobs.list({ request, limit: 9 }), [listed(row)]);
        }
      });
    },
  ),

  storeCase("an update changes what it names and nothing else", {}, async (stage) => {
    const { jobs } = stage.store;
    const row = jobRow({ maxRuntimeSec: 60 });
    const other = jobRow();
    for (const inserted of [row, other]) await jobs.insert(inserted);
    const session = newSessionId();
    const adoption = { session, request: newMessageId("req_"), submittedIn: row.session };
    await jobs.update(row.id, { status: "running" });
    await jobs.update(row.id, { cancel: { reason: "enough" } });
    await jobs.update(row.id, adoption);
    await jobs.update(row.id, {});
    await jobs.update(row.id, { attempt: 2, checkpoint: '"a"' });
    await jobs.update(row.id, { checkpoint: '"b"' });
    await jobs.update(row.id, { streamed: true });
    await jobs.update(row.id, { input: '"c"' });
    const again = { attempt: 2, checkpoint: '"b"', streamed: true, input: '"c"' };
    const cancel = { reason: "enough" };
    const halfway = { ...row, ...adoption, ...again, status: "running", cancel };
    await stage.holds(async (store) => same(await store.jobs.get(row.id), halfway));
    const finishedAt = row.acceptedAt + 5;
    const remaining = { EUR: "1" };
    await stage.store.jobs.update(row.id, { status: "success", finishedAt, remaining });
    await stage.holds(async (store) => {
      same(await store.jobs.get(row.id), { ...halfway, status: "success", finishedAt, remaining });
      same(await store.jobs.get(other.id), other);
    });
  }),

  storeCase("a row takes the place of one with more in it", {}, async (stage) => {
    const row = jobRow();
    const more = { cancel: {}, remaining: { EUR: "1" }, checkpoint: '"a"', attempt: 2 };
    await stage.store.jobs.insert({ ...row, ...more, streamed: true, workspace: "/srv" });
    const { input: _, ...less } = row;
    await stage.store.jobs.insert(less);
    await stage.holds(async ({ jobs }) => same(await jobs.get(row.id), less));
  }),

  storeCase("a listing and its pages go by parts of a millisecond too", {}, async (stage) => {
    const rows = [0.75, 0.25, 0.5].map((acceptedAt) => jobRow({ acceptedAt }));
    for (const row of rows) await stage.store.jobs.insert(row);
    await stage.holds(async ({ jobs }) => {
      const times = async (query: object) =>
        (await jobs.list({ limit: 9, ...query })).map(({ acceptedAt }) => acceptedAt);
      same(await times({}), [0.25, 0.5, 0.75]);
      same(await times({ acceptedAfter: 0.25, acceptedBefore: 0.75 }), [0.5]);
    });
  }),

  storeCase("an update to undefined clears, and updates follow one another", {}, async (stage) => {
    const { jobs } = stage.store;
    const row = jobRow({ cancel: {}, finishedAt: 5, checkpoint: '"a"' });
    const calls = [jobs.insert(row), jobs.update(row.id, { status: "running" })];
    calls.push(jobs.update(row.id, { cancel: undefined, finishedAt: undefined }));
    calls.push(jobs.update(row.id, { input: undefined, checkpoint: undefined }));
    await Promise.all([...calls, jobs.update(row.id, { status: "error" })]);
    await stage.holds(async (store) => {
      const { cancel: _, finishedAt: __, ...rest } = listed(row);
      same(await store.jobs.get(row.id), { ...rest, status: "error" });
    });
  }),

  storeCase("an update makes no job, and a removed job is gone", {}, async (stage) => {
    const { jobs } = stage.store;
    const [row, other] = [jobRow(), jobRow()];
    await jobs.update(row.id, { status: "running" });
    assert.equal(await jobs.get(row.id), undefined);
    for (const inserted of [row, other]) await jobs.insert(inserted);
    await jobs.remove(row.id);
    await jobs.remove(row.id);
    await jobs.update(row.id, { status: "running" });
    await stage.holds(async (store) => {
      assert.equal(await store.jobs.get(row.id), undefined);
      same(await store.jobs.list({ limit: 9 }), [listed(other)]);
    });
  }),
];
