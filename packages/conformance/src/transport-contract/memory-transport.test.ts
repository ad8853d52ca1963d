import { type LinkedPair, linkedPair } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { isRequirementId } from "../manifest/manifest.ts";
import { missing, type OpenTransport } from "./transport-case.ts";
import { transportContract } from "./transport-contract.ts";

const memory: OpenTransport<LinkedPair> = {
  open: async () => linkedPair(),
  sever: (pair) => pair.sever(),
  reasons: true,
};

describe("the transport contract in memory", () => {
  for (const transportCase of transportContract) {
    const lacking = missing(transportCase, memory);
    test.skipIf(lacking.length > 0)(transportCase.name, () => transportCase.run(memory));
  }
});

test("only dialling is skipped in memory", () => {
  expect(new Set(transportContract.flatMap((one) => missing(one, memory)))).toEqual(
    new Set(["dial"]),
  );
});

test("the cases have unique names and cite requirements that exist", () => {
  const names = transportContract.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, requirements } of transportContract) {
    const cited = [...name.matchAll(/\bR-[\d.]+-\d+/g)].map(([id]) => id);
    expect(cited.filter(isRequirementId)).toEqual(cited);
    expect(requirements).toEqual(cited);
  }
});
