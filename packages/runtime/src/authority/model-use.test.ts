import type { Lease } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { type CompiledLease, compileLease } from "./lease.ts";
import { mayCallModel, withClosedModels, withModelsOf } from "./model-use.ts";

const NONE = new Set<string>();
const OPEN = new Set(["mistral/large-3", "local/llama"]);

function compiled(lease: Lease): CompiledLease {
  const outcome = compileLease(lease);
  if (!outcome.ok) throw new Error(outcome.problem);
  return outcome.lease;
}

test.each([
  ["mistral/large-3", true],
  ["mistral/", false],
  ["mistral", false],
  ["mistral/eu/large-3", false],
  ["Mistral/large-3", false],
  ["mistral/large-3/../../openai/gpt", false],
  ["openai/mistral/large-3", false],
  ["local/llama", false],
])("R-9.2-2 and R-9.7-1: mistral/* and %s: %s, whatever is open", (model, covered) => {
  const lease = compiled({ "model.use": ["mistral/*"] });
  for (const open of [NONE, OPEN]) expect(mayCallModel(lease, open, model)).toBe(covered);
});

describe("R-9.7-2: a lease without model.use", () => {
  const lease = compiled({ "tool.call": ["**"] });

  test("allows no model, unless models are open, and then only those", () => {
    expect(mayCallModel(lease, NONE, "mistral/large-3")).toBe(false);
    expect(mayCallModel(lease, OPEN, "mistral/large-3")).toBe(true);
    expect(mayCallModel(lease, OPEN, "mistral/large-4")).toBe(false);
  });

  test("R-9.1-1: differs from a lease that names it without a pattern", () => {
    expect(mayCallModel(compiled({ "model.use": [] }), OPEN, "local/llama")).toBe(false);
  });
});

describe("R-9.4-3: a child that omits model.use", () => {
  const parent: Lease = { "model.use": ["mistral/*"], "tool.call": ["a"] };

  test("gets its parent's where absence would grant something, and nothing else", () => {
    const child = { "fs.read": ["/a"] };
    expect(withModelsOf(parent, OPEN, child)).toEqual({ ...child, "model.use": ["mistral/*"] });
    expect(withModelsOf({ "model.use": [] }, OPEN, {})).toEqual({ "model.use": [] });
    expect(withModelsOf(parent, NONE, child)).toBe(child);
    expect(withModelsOf({}, OPEN, child)).toBe(child);
  });

  test("is left alone if it does name model.use", () => {
    for (const own of [[], ["mistral/small"]]) {
      const child = { "model.use": own };
      expect(withModelsOf(parent, OPEN, child)).toBe(child);
    }
  });
});

test("R-7.1-3: a policy that drops model.use forbids models and does not open them", () => {
  const requested: Lease = { "model.use": ["a"], "tool.call": ["t"] };
  expect(withClosedModels(requested, { "tool.call": ["t"] })).toEqual({
    "tool.call": ["t"],
    "model.use": [],
  });
  const kept = { "model.use": ["a"] };
  expect(withClosedModels(requested, kept)).toBe(kept);
  expect(withClosedModels({}, kept)).toBe(kept);
  const neither = {};
  expect(withClosedModels({}, neither)).toBe(neither);
});
