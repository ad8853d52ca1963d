import { ArcpError } from "@arcp/core";
import { expect, test } from "vitest";
import { upstreamExhaustion } from "./upstream-exhaustion.ts";

const body = { message: "Budget has been exceeded!", type: "budget_exceeded", code: "429" };
const thrown = (fields: object): Error => Object.assign(new Error("no"), fields);

test.each([
  ["LiteLLM by the SDK of OpenAI", thrown({ status: 429, error: body, type: body.type })],
  [
    "LiteLLM by the SDK of Anthropic",
    thrown({ status: 400, error: { type: "error", error: body } }),
  ],
  ["LiteLLM by the AI SDK", thrown({ statusCode: 429, data: { error: body } })],
  ["the parsed body itself", { error: body }],
  ["402 as status", thrown({ status: 402 })],
  ["402 as statusCode", thrown({ statusCode: 402 })],
])("R-9.6-12: %s is BUDGET_EXHAUSTED", (_, error) => {
  const translated = upstreamExhaustion("mistral/large-3", error);
  expect(translated).toMatchObject({
    code: "BUDGET_EXHAUSTED",
    retryable: false,
    details: { upstream: true },
    cause: error,
  });
  // What the upstream says of spending and limits is for its operator only.
  expect(JSON.stringify(translated?.toPayload())).not.toContain("exceeded!");
});

test.each([
  ["too many requests", thrown({ status: 429, error: { type: "rate_limit_error" } })],
  ["a text that says so", new Error("Budget has been exceeded! 402 budget_exceeded")],
  ["an error of ours", new ArcpError("PERMISSION_DENIED", "no", { details: body })],
  ["a text", "budget_exceeded"],
  ["nothing", undefined],
  ["null", null],
  ["something deep", { error: { error: { error: { error: body } } } }],
  ["402 as text", thrown({ status: "402" })],
])("R-9.6-12: %s is not BUDGET_EXHAUSTED", (_, error) => {
  expect(upstreamExhaustion("m", error)).toBeUndefined();
});

test("a circular error is examined once", () => {
  const loop: Record<string, unknown> = {};
  loop["error"] = loop;
  loop["data"] = loop;
  expect(upstreamExhaustion("m", loop)).toBeUndefined();
});
