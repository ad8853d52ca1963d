import { memoryStore } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { isRequirementId } from "../manifest/manifest.ts";
import { missing, type OpenStore } from "./store-case.ts";
import { storeContract } from "./store-contract.ts";

/** Nothing outlives it: the cases that reopen are skipped. */
const memory: OpenStore = {
  open: async () => memoryStore(),
  openLimited: async ({ total, ...logLimits }) =>
    memoryStore({ logLimits, ...(total !== undefined && { totalLogCharacters: total }) }),
};

describe("the store contract on memory", () => {
  for (const storeCase of storeContract) {
    test.skipIf(missing(storeCase, memory).length > 0)(storeCase.name, () => storeCase.run(memory));
  }
});

test("only the cases that need a restart, a file or a connection are skipped for memory", () => {
  const skipped = storeContract.filter((storeCase) => missing(storeCase, memory).length > 0);
  const needs = ["reopen", "crash", "disconnect"].flatMap((need) => [need, need, need]);
  const owner = ["openTwice", "openTwice", "disconnect"];
  expect(skipped.flatMap((storeCase) => storeCase.needs)).toEqual([...needs, "lose", ...owner]);
});

test("the cases have unique names and cite requirements that exist", () => {
  const names = storeContract.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, requirements } of storeContract) {
    for (const id of requirements) expect(isRequirementId(id)).toBe(true);
    for (const [id] of name.matchAll(/\bR-[\d.]+-\d+/g)) expect(requirements).toContain(id);
  }
});
