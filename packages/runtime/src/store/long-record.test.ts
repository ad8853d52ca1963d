import { expect, test } from "vitest";
import type { LogRecord } from "./log-store.ts";
import { LONG, LongRecord } from "./long-record.ts";
import { LongText } from "./long-text.ts";

const text = "x".repeat(LONG);
const record = () => new LongRecord("result_chunk", LongText.ofAscii(text));

test("a copy of a long record has its text", () => {
  expect({ ...record() }.text === text).toBe(true);
  expect(JSON.parse(JSON.stringify(record()))).toEqual({ kind: "result_chunk", text });
});

test("a store that replaces a record's text, as one that encrypts does, passes on nothing of the former text", () => {
  const sealed: LogRecord = { ...record(), text: "sealed" };
  expect(sealed).toStrictEqual({ kind: "result_chunk", text: "sealed" });
  expect(sealed.long).toBeUndefined();
});
