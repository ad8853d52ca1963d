import { expect, test } from "vitest";
import { decode } from "./codec.ts";
import { readTraceId } from "./trace.ts";

const ID = "9f2c41d07be84a6392d5e8b1c03f7a64";
const PARENT = "00f067aa0ba902b7";

test.each([
  ["a bare trace id", ID],
  ["upper case", ID.toUpperCase()],
  ["a traceparent", `00-${ID}-${PARENT}-01`],
  ["a traceparent of a later version, with more fields", `01-${ID}-${PARENT}-01-what-comes`],
])("R-11-2: %s is read", (_, text) => {
  expect(readTraceId(text)).toBe(ID);
});

test.each([
  "",
  "0".repeat(32),
  `00-${"0".repeat(32)}-${PARENT}-01`,
  ID.slice(1),
  `${ID}0`,
  `${ID}\n`,
  ` ${ID}`,
  `${ID.slice(0, 31)}g`,
  `00-${ID}-${PARENT}`,
  `00-${ID}-${PARENT}-1`,
  `00-${ID}-${PARENT}-01x`,
  `00-${ID}-${PARENT.slice(1)}-01`,
  `ff-${ID}-${PARENT}-01`,
  `x00-${ID}-${PARENT}-01`,
  `00_${ID}_${PARENT}_01`,
])("R-11-2: %j is unusable and ignored", (text) => {
  expect(readTraceId(text)).toBeUndefined();
});

test.each([5, true, {}, [ID], null])(
  "R-11-2: a trace_id of %j does not refuse the message",
  (value) => {
    const bare = decode(
      JSON.stringify({ id: "a", type: "session.bye", trace_id: value, payload: {} }),
    );
    expect(bare).toMatchObject({ kind: "ok" });
    expect(bare.kind === "ok" && bare.message.trace_id).toBeUndefined();
    const payload = { job_id: "j", agent: "a", lease: {}, trace_id: value };
    expect(decode(JSON.stringify({ id: "a", type: "job.accepted", payload }))).toMatchObject({
      kind: "ok",
    });
  },
);
