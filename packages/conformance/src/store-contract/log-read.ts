import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { newJobId } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { EVERYTHING, record, records, textsOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

const UNLIMITED = 1_000_000_000;

export const logReadCases: readonly StoreCase[] = [
  storeCase("an unknown job reads as an empty log", {}, async ({ store: { logs } }) => {
    same(await logs.read(newJobId(), 0, EVERYTHING), { floor: 0, head: 0, records: [] });
    same(await logs.read(newJobId(), 7, EVERYTHING), { floor: 0, head: 0, records: [] });
  }),

  storeCase(
    "a page ends at its limits, and its first record comes whatever its size",
    {},
    (stage) =>
      stage.holds(async ({ logs }) => {
        const job = newJobId();
        const given = ["aaaa", "bb", "cc"].map((text) => record(text));
        await logs.append([{ job, after: 0, records: given }]);
        const read = async (after: number, limit: number, characters: number) =>
          (await logs.read(job, after, { records: limit, characters })).records.map((r) => r.text);
        same(await read(0, 2, UNLIMITED), ["aaaa", "bb"]);
        same(await read(0, 9, 8), ["aaaa", "bb", "cc"]);
        same(await read(0, 9, 7), ["aaaa", "bb"]);
        same(await read(0, 9, 6), ["aaaa", "bb"]);
        same(await read(0, 9, 1), ["aaaa"]);
        same(await read(1, 9, 4), ["bb", "cc"]);
        same(await read(3, 9, UNLIMITED), []);
        same(await read(99, 9, UNLIMITED), []);
        same(await read(0, 0, UNLIMITED), []);
      }),
  ),

  storeCase("characters of a page are counted as JavaScript does", {}, (stage) =>
    stage.holds(async ({ logs }) => {
      const job = newJobId();
      const given = ["ää", "é😀", "字"].map((text) => record(text));
      await logs.append([{ job, after: 0, records: given }]);
      const read = async (characters: number) =>
        (await logs.read(job, 0, { records: 9, characters })).records.map(({ text }) => text);
      same(await read(6), ["ää", "é😀", "字"]);
      same(await read(5), ["ää", "é😀"]);
      same(await read(4), ["ää"]);
    }),
  ),

  storeCase("pages follow one another without a gap and tell floor and head", {}, async (stage) => {
    const job = newJobId();
    const given = Array.from({ length: 100 }, (_, i) => record(`${i}`.repeat((i % 7) + 1)));
    await stage.store.logs.append([{ job, after: 0, records: given }]);
    await stage.holds(async ({ logs }) => {
      const got: string[] = [];
      while (got.length < given.length) {
        const page = await logs.read(job, got.length, { records: 9, characters: 20 });
        same([page.floor, page.head], [0, 100]);
        assert.ok(page.records.length > 0, "a page before the head is not empty");
        got.push(...page.records.map(({ text }) => text));
      }
      same(
        got,
        given.map(({ text }) => text),
      );
    });
  }),

  storeCase(
    "P3: beyond its limits a log loses its oldest records, and its floor says so",
    { kept: { records: 3, characters: UNLIMITED }, requirements: ["R-6.3-17"] },
    async (stage) => {
      const [job, other] = [newJobId(), newJobId()];
      await stage.store.logs.append([{ job: other, after: 0, records: records(1, 3) }]);
      for (let i = 1; i <= 10; i++) {
        await stage.store.logs.append([{ job, after: i - 1, records: [record(`${i}`)] }]);
      }
      await stage.holds(async (store) => {
        same(await store.logs.read(job, 2, EVERYTHING), {
          floor: 7,
          head: 10,
          records: records(8, 3),
        });
        same(await textsOf(store, job, 8), ["9", "10"]);
        same(await textsOf(store, other), ["1", "2", "3"]);
        same(await store.logs.append([{ job, after: 3, records: [] }]), ["fenced"]);
      });
      await stage.store.logs.append([{ job, after: 10, records: records(11, 20) }]);
      await stage.holds(async (store) => same(await textsOf(store, job), ["28", "29", "30"]));
    },
  ),

  storeCase(
    "P3: characters are limited too, and the newest record stays however large it is",
    { kept: { records: 100, characters: 10 }, requirements: ["R-6.3-17"] },
    async (stage) => {
      const job = newJobId();
      const given = ["12345", "67890", "1", "22"].map((text) => record(text));
      await stage.store.logs.append([{ job, after: 0, records: given }]);
      await stage.holds(async (store) => same(await textsOf(store, job), ["67890", "1", "22"]));
      await stage.store.logs.append([{ job, after: 4, records: [record("x".repeat(100))] }]);
      await stage.holds(async ({ logs }) => {
        const page = await logs.read(job, 0, EVERYTHING);
        same([page.floor, page.head, page.records.length], [4, 5, 1]);
      });
    },
  ),

  storeCase(
    "P3: characters of a log are counted as JavaScript does",
    { kept: { records: 100, characters: 10 }, requirements: ["R-6.3-17"] },
    async (stage) => {
      const job = newJobId();
      const given = ["ééééé", "😀😀", "1", "22"].map((text) => record(text));
      await stage.store.logs.append([{ job, after: 0, records: given }]);
      await stage.holds(async (store) => same(await textsOf(store, job), ["😀😀", "1", "22"]));
    },
  ),

  storeCase(
    "P3: a page that is read while a log loses records holds what its floor says",
    { kept: { records: 4, characters: UNLIMITED }, requirements: ["R-6.3-17"] },
    ({ store }) => readWhileWritten(store),
  ),

  storeCase("a page that is read while a log grows ends with its head", {}, ({ store }) =>
    readWhileWritten(store),
  ),

  storeCase(
    "chunks of a result count for no limit but go with the records before them",
    { kept: { records: 2, characters: UNLIMITED } },
    async (stage) => {
      const job = newJobId();
      const kinds = ["event", "result_chunk", "result_chunk", "event", "event"] as const;
      const given = kinds.map((kind, index) => record(`${index + 1}`, kind));
      await stage.store.logs.append([{ job, after: 0, records: given }]);
      await stage.holds(async ({ logs }) => {
        const page = await logs.read(job, 0, EVERYTHING);
        same([page.floor, page.head], [1, 5]);
      });
      await stage.store.logs.append([{ job, after: 5, records: [record("6")] }]);
      await stage.holds(async (store) => same(await textsOf(store, job), ["5", "6"]));
    },
  ),

  storeCase("a removed log is gone at once, and its job may begin again", {}, async (stage) => {
    const [job, other] = [newJobId(), newJobId()];
    const { logs } = stage.store;
    await logs.append([
      { job, after: 0, records: records(1, 2000) },
      { job: other, after: 0, records: records(1, 3) },
    ]);
    await logs.remove(job);
    await logs.remove(newJobId());
    await stage.holds(async (store) => {
      same(await store.logs.read(job, 0, EVERYTHING), { floor: 0, head: 0, records: [] });
      same(await textsOf(store, other), ["1", "2", "3"]);
    });
    await stage.store.logs.append([{ job, after: 0, records: [record("anew")] }]);
    await stage.holds(async (store) => {
      same(await store.logs.read(job, 0, EVERYTHING), {
        floor: 0,
        head: 1,
        records: [record("anew")],
      });
    });
  }),
];

/** Every page is consistent: from just after its floor to its head. */
async function readWhileWritten({ logs }: Store): Promise<void> {
  const job = newJobId();
  let isWritten = false;
  const write = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      await logs.append([{ job, after: i, records: records(i + 1, 1) }]);
      await turn();
    }
    isWritten = true;
  };
  const read = async (): Promise<void> => {
    while (!isWritten) {
      const page = await logs.read(job, 0, EVERYTHING);
      same(page.records, records(page.floor + 1, page.head - page.floor));
      await turn();
    }
  };
  await Promise.all([write(), read()]);
}
