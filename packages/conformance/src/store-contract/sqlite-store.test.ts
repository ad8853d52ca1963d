import { sqliteStore } from "@arcp/store-sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { Scratch } from "../../test/scratch.ts";
import { limitsOf, StoreInFile } from "../../test/store-in-file.ts";
import { missing, type OpenStore } from "./store-case.ts";
import { storeContract } from "./store-contract.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const inFile = new StoreInFile(scratch);

const inMemory: OpenStore = {
  open: async () => sqliteStore(":memory:"),
  openLimited: async (kept) => sqliteStore(":memory:", limitsOf(kept)),
};

describe("the store contract on a file", () => {
  for (const storeCase of storeContract) {
    const skipped = missing(storeCase, inFile).length > 0;
    test.skipIf(skipped)(storeCase.name, () => storeCase.run(inFile));
  }

  test("only the cases that need a connection that breaks are skipped", () => {
    const needs = storeContract.flatMap((storeCase) => missing(storeCase, inFile));
    expect(needs).toEqual(Array(4).fill("disconnect"));
  });
});

describe("the store contract on a database in memory", () => {
  for (const storeCase of storeContract) {
    const skipped = missing(storeCase, inMemory).length > 0;
    test.skipIf(skipped)(storeCase.name, () => storeCase.run(inMemory));
  }
});
