import { randomUUID } from "node:crypto";
import { newMessageId, REQUEST_ID_FEATURE } from "@arcp/core";
import { expect, test } from "vitest";
import { type Dialect, dialectOf, dialects, type Evidence } from "./dialect.ts";

const nobody = { features: ["subscribe"], runtime: undefined };
const ulid = newMessageId("");

test.each<[string, Partial<Evidence>, Dialect]>([
  ["our own mark", { features: [REQUEST_ID_FEATURE], id: randomUUID() }, dialects.own],
  ["a UUID", { id: randomUUID() }, dialects.go],
  ["a bare ULID", { id: ulid }, dialects.java],
  ["msg_ and a ULID", { id: `msg_${ulid}`, isStamped: false }, dialects.typescript],
  ["the same with a timestamp", { id: `msg_${ulid}`, isStamped: true }, dialects.csharp],
  ["another id", { id: "m-1" }, dialects.draft],
  ["no id, as of a saved session", {}, dialects.draft],
  ["a name of Go", { runtime: { name: "arcp-go-runtime" }, id: ulid }, dialects.go],
  ["a name of Java", { runtime: { name: "ARCP-Runtime-Java" }, id: randomUUID() }, dialects.java],
  ["a name that only sounds so", { runtime: { name: "go-home" }, id: ulid }, dialects.java],
  ["a name that holds it", { runtime: { name: "arcp-gopher" }, id: "m-1" }, dialects.draft],
])("R-D-6: a runtime is recognised by %s", (_, evidence, dialect) => {
  expect(dialectOf({ ...nobody, ...evidence })).toBe(dialect);
});

test("R-D-7, R-D-10: each dialect has its forms", () => {
  const { own, ...others } = dialects;
  expect(own).toMatchObject({ correlates: true, resume: "session.resume", patience: 0 });
  for (const [name, dialect] of Object.entries(others)) {
    expect(dialect).toMatchObject({ correlates: false, resume: "session.hello" });
    expect(dialect.patience).toBe(name === "go" ? 1_000 : 0);
    expect(dialect.farewell).toBe(name === "java" ? "silence" : "close, then bye");
  }
});
