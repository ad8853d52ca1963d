import type { JobEvent } from "@arcp/client";
import pc from "picocolors";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { EventLines } from "./event-lines.ts";

const paint = pc.createColors(false);
const bad = "a\u001b[2Jb\u001b]0;t\u0007c\u009bd\re";
const event = (kind: string, body: object) =>
  ({ kind, body, ts: "2026-01-31T09:00:00Z" }) as JobEvent;

test.each([
  event("log", { level: "info", message: bad, attributes: { [bad]: bad } }),
  event("thought", { text: bad }),
  event("status", { phase: bad, message: bad }),
  event("progress", { current: 1, total: 2, units: bad, message: bad }),
  event("metric", { name: bad, value: 1, unit: bad }),
  event("metric", { name: "cost.budget.remaining", value: 1, unit: bad }),
  event("tool_call", { tool: bad, call_id: bad, args: { [bad]: bad } }),
  event("tool_result", { call_id: bad, result: bad }),
  event("tool_result", { call_id: bad, error: { code: bad, message: bad } }),
  event("artifact_ref", { uri: bad, content_type: bad, byte_size: 1 }),
  event("delegate", { agent: bad, child_job_id: bad }),
  event("x-vendor.acme.mood", { [bad]: bad }),
  { ...event("opaque", { [bad]: bad }), name: bad } as JobEvent,
])("no text of an agent controls a terminal: %o", (said) => {
  const lines = new EventLines(paint);
  for (const columns of [80, Number.POSITIVE_INFINITY]) {
    const line = lines.ofGauge(said) ?? lines.of(said, columns);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(line).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  }
});

test("a refused delegation names the agent, and no id that means nothing to the user", () => {
  const lines = new EventLines(paint);
  const error = { code: "PERMISSION_DENIED", message: "not you" };
  const shown = [
    event("delegate", { agent: "writer", delegate_id: "del_1" }),
    event("tool_result", { call_id: "del_1", error }),
    event("delegate", { agent: "writer", delegate_id: "del_2", child_job_id: "job_1" }),
  ].map((said) => lines.of(said, 80)?.replace(/^\S+ /, ""));
  expect(shown).toEqual([
    "delegates to writer",
    "← writer 0 ms PERMISSION_DENIED not you",
    "delegates to writer job_1",
  ]);
});

test("a cost that the job's budget does not limit is marked, since a currency may be misspelt", () => {
  const lines = new EventLines(paint);
  const costs = (...units: string[]) =>
    units.map((unit) => lines.of(event("metric", { name: "cost.model", value: 0.5, unit }), 80));
  const plain = [expect.stringMatching(/cost\.model 0\.5 USD$/)];
  expect(costs("USD")).toEqual(plain);
  lines.begin({ lease: { "tool.call": ["*"] } });
  expect(costs("USD")).toEqual(plain);
  lines.begin({ lease: { "cost.budget": ["USD:1", "EUR:1"] } });
  expect(costs("USD")).toEqual(plain);
  lines.begin({ lease: { "cost.budget": ["usd:1", "EUR:1"] } });
  expect(costs("USD")).toEqual([
    expect.stringMatching(/cost\.model 0\.5 USD, which the job's budget does not limit$/),
  ]);
  const tokens = lines.of(event("metric", { name: "tokens", value: 7, unit: "1" }), 80);
  expect(tokens).toMatch(/tokens 7 1$/);
});

test.each([20, 34, 60])("no line is wider than a terminal of %i columns", (columns) => {
  const lines = new EventLines(paint);
  const message = "reading 漢字漢字 of /some/path/that/is/longer/than/it.ts cafe\u0301\nand more";
  for (const said of [
    event("log", { level: "info", message }),
    event("status", { phase: "running", message }),
    event("tool_call", { tool: "search", call_id: "c", args: { message } }),
  ]) {
    const shown = lines.of(said, columns) ?? "";
    for (const line of shown.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  }
});

test("a text of any length takes a few lines of a terminal, and is whole in a pipe", () => {
  const lines = new EventLines(paint);
  for (const unit of ["word ", "x", "漢", "e\u0301"]) {
    const message = unit.repeat(100_000).trim();
    const said = event("log", { level: "info", message });
    const shown = lines.of(said, 40)?.split("\n") ?? [];
    expect(shown.length).toBeLessThan(25);
    expect(shown.at(-1)).toMatch(/…$/);
    expect(lines.of(said, Number.POSITIVE_INFINITY)).toContain(message);
    expect(lines.of(event("x-vendor.acme.big", { message }), 40)).toMatch(/^.{1,60}…$/su);
  }
});
