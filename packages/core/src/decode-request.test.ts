import { expect, test } from "vitest";
import { decodeRequest } from "./decode-request.ts";

const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
const reason = "the message nests deeper than 128 levels";

test("R-5.2-7, R-5.4-2: a request that nests too deeply is refused, and its header is told", () => {
  const trace_id = "9f2c41d07be84a6392d5e8b1c03f7a64";
  const header = { id: "m1", type: "job.submit", trace_id };
  const payload = { agent: "a", input: JSON.parse(deep) };
  expect(decodeRequest(JSON.stringify({ ...header, payload }))).toEqual({
    kind: "malformed",
    reason,
    id: "m1",
    type: "job.submit",
    header,
    payload,
  });
});

test.each([
  ["is no object", deep],
  ["is not valid JSON", `{"id":"m1","type":"job.submit","payload":${deep}`],
  ["has an invalid id", `{"id":5,"type":"job.submit","payload":${deep}}`],
])("R-5.2-7: one that %s either is refused without a name", (_, frame) => {
  const unnamed = { id: undefined, type: undefined, header: undefined };
  expect(decodeRequest(frame)).toMatchObject({ kind: "malformed", reason, ...unnamed });
});

test("R-5.2-7: a request of 200,000 levels is refused like any other", () => {
  const input = `${'{"a":'.repeat(200_000)}0${"}".repeat(200_000)}`;
  const frame = `{"id":"m1","type":"job.submit","payload":{"agent":"a","input":${input}}}`;
  expect(decodeRequest(frame)).toMatchObject({ kind: "malformed", reason, id: "m1" });
});
