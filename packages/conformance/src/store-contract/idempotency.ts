import assert from "node:assert/strict";
import { newJobId } from "@arcp/core";
import { same } from "./equality.ts";
import { idempotencyRecord } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const idempotencyCases: readonly StoreCase[] = [
  storeCase(
    "R-7.2-1: a record is found by the exact pair of principal and key",
    { requirements: ["R-7.2-1"] },
    async (stage) => {
      const pairs = [
        ["a", "b::c"],
        ["a::b", "c"],
        ["", "ab"],
        ["a", "b"],
        ["ab", ""],
        ["A", "b"],
        ["a", "b "],
        ["a", "b\0"],
        ["a\0", "b"],
        ["a", "\ud800"],
        ["a", "\ud801"],
        ["a", "\ufffd"],
        ["a", '"\\ud800"'],
        ["é", "x"],
        ["e\u0301", "x"],
        ["__proto__", "constructor"],
        // As long as a key may be.
        ["é".repeat(256), "\ud800".repeat(256)],
      ] as const;
      const records = pairs.map(([principal, key]) =>
        idempotencyRecord({ principal, key, acceptedAt: 0.5 }),
      );
      for (const record of records) await stage.store.idempotency.put(record);
      await stage.holds(async ({ idempotency }) => {
        for (const record of records)
          same(await idempotency.get(record.principal, record.key), record);
        for (const [principal, key] of [
          ["b", "a"],
          ["a", ""],
          ["a::b::c", ""],
          ["toString", "x"],
        ])
          assert.equal(await idempotency.get(principal ?? "", key ?? ""), undefined);
      });
    },
  ),

  storeCase("a second record of a pair replaces the first", {}, async (stage) => {
    const [first, second] = [idempotencyRecord(), idempotencyRecord({ fingerprint: "other" })];
    const { idempotency } = stage.store;
    await Promise.all([idempotency.put(first), idempotency.put(second)]);
    await stage.holds(async (store) => same(await store.idempotency.get("alice", "a-key"), second));
    await stage.store.idempotency.removeJob(first.job);
    await stage.holds(async (store) => same(await store.idempotency.get("alice", "a-key"), second));
  }),

  storeCase("the records of a job go, all of them and no others", {}, async (stage) => {
    const job = newJobId();
    const { idempotency } = stage.store;
    const kept = idempotencyRecord({ key: "kept" });
    const gone = ["one", "two"].map((key) => idempotencyRecord({ key, job }));
    for (const record of [kept, ...gone]) await idempotency.put(record);
    await idempotency.removeJob(newJobId());
    await idempotency.removeJob(job);
    await stage.holds(async (store) => {
      same(await store.idempotency.get("alice", "kept"), kept);
      for (const { key } of gone)
        assert.equal(await store.idempotency.get("alice", key), undefined);
    });
  }),
];
