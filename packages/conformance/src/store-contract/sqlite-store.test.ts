import { type SqliteStoreOptions, sqliteStore } from "@arcp/store-sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { Scratch } from "../../test/scratch.ts";
import { type KeptLog, missing, type OpenStore } from "./store-case.ts";
import { storeContract } from "./store-contract.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const opened = new WeakMap<object, { path: string; options: SqliteStoreOptions }>();

async function open(path: string, options: SqliteStoreOptions = {}) {
  const store = sqliteStore(path, options);
  opened.set(store, { path, options });
  return store;
}

const limitsOf = ({ total, ...logLimits }: KeptLog): SqliteStoreOptions => ({
  logLimits,
  ...(total !== undefined && { totalLogCharacters: total }),
});

const inFile: OpenStore = {
  open: () => open(scratch.newFile()),
  openLimited: (kept) => open(scratch.newFile(), limitsOf(kept)),
  async reopen(store) {
    const { path = "", options } = opened.get(store) ?? {};
    await store.close();
    return open(path, options);
  },
};

const inMemory: OpenStore = {
  open: async () => sqliteStore(":memory:"),
  openLimited: async (kept) => sqliteStore(":memory:", limitsOf(kept)),
};

describe("the store contract on a file", () => {
  test.each(storeContract)("$name", (storeCase) => storeCase.run(inFile));

  test("nothing of it is skipped", () => {
    expect(storeContract.flatMap((storeCase) => missing(storeCase, inFile))).toEqual([]);
  });
});

describe("the store contract on a database in memory", () => {
  for (const storeCase of storeContract) {
    const skipped = missing(storeCase, inMemory).length > 0;
    test.skipIf(skipped)(storeCase.name, () => storeCase.run(inMemory));
  }
});
