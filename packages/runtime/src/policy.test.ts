import { expect, test } from "vitest";
import { defaultPolicy, policyOf } from "./policy.ts";

test("a part of the policy that is not given, or given as undefined, has its safe default", () => {
  expect(policyOf()).toEqual(defaultPolicy);
  const maySubmit = () => false;
  const chosen = policyOf({ maySubmit, mayObserve: undefined, grant: undefined });
  expect(chosen).toEqual({ ...defaultPolicy, maySubmit });
});
