import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { decode } from "./codec.ts";
import {
  newTraceContext,
  readTrace,
  readTraceId,
  TRACE_CONTEXT,
  type TraceCarrier,
} from "./trace.ts";

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
  `00-${ID}-${PARENT}-01😀`,
  `00-${ID}-${PARENT.slice(1)}-01`,
  `ff-${ID}-${PARENT}-01`,
  `x00-${ID}-${PARENT}-01`,
  `00_${ID}_${PARENT}_01`,
])("R-11-2: %j is unusable and ignored", (text) => {
  expect(readTraceId(text)).toBeUndefined();
});

test.each([5, true, {}, [ID], null])(
  "R-11-2: a trace_id of %j does not make the message refused",
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

const PARENTS = `00-${ID}-${PARENT}-01`;
const OTHER = "11112222333344445555666677778888";
const inEnvelope = (context: unknown, rest: Partial<TraceCarrier> = {}): TraceCarrier => ({
  extensions: { [TRACE_CONTEXT]: context },
  payload: {},
  ...rest,
});
const inPayload = (context: unknown): TraceCarrier => ({
  payload: { extensions: { [TRACE_CONTEXT]: context } },
});

test.each<[string, TraceCarrier, object | undefined]>([
  ["a bare trace id", { trace_id: ID, payload: {} }, { traceId: ID }],
  [
    "a traceparent as trace_id",
    { trace_id: PARENTS.toUpperCase(), payload: {} },
    { traceId: ID, context: { traceparent: PARENTS } },
  ],
  [
    "what a later version appends",
    { trace_id: `cc-${ID}-${PARENT}-00-more`, payload: {} },
    { traceId: ID, context: { traceparent: `00-${ID}-${PARENT}-00` } },
  ],
  [
    "the envelope's extension",
    inEnvelope({ traceparent: PARENTS, tracestate: "acme=1,b=2", more: 1 }),
    { traceId: ID, context: { traceparent: PARENTS, tracestate: "acme=1,b=2" } },
  ],
  [
    "the payload's extension, as Java has it",
    inPayload({ traceparent: PARENTS }),
    { traceId: ID, context: { traceparent: PARENTS } },
  ],
  [
    "the extension before the trace_id of the same trace",
    inEnvelope({ traceparent: PARENTS, tracestate: "a=1" }, { trace_id: ID }),
    { traceId: ID, context: { traceparent: PARENTS, tracestate: "a=1" } },
  ],
  [
    "the trace_id before the extension of another trace",
    inEnvelope({ traceparent: PARENTS }, { trace_id: OTHER }),
    { traceId: OTHER },
  ],
  [
    "the envelope before the payload",
    {
      extensions: { [TRACE_CONTEXT]: { traceparent: PARENTS } },
      payload: { extensions: { [TRACE_CONTEXT]: { traceparent: `00-${OTHER}-${PARENT}-00` } } },
    },
    { traceId: ID, context: { traceparent: PARENTS } },
  ],
  ["nothing", { payload: {} }, undefined],
])("R-11-2 and R-11-3: reads %s", (_, carrier, trace) => {
  expect(readTrace(carrier)).toEqual(trace);
});

test.each([
  "text",
  null,
  [],
  {},
  { traceparent: 7 },
  { traceparent: ID },
  { traceparent: `00-${ID}-${"0".repeat(16)}-01` },
  { traceparent: `00-${"0".repeat(32)}-${PARENT}-01` },
  { traceparent: `ff-${ID}-${PARENT}-01` },
  { traceparent: `${PARENTS}\r\nx: y` },
])("R-11-2: a context of %j is ignored", (context) => {
  expect(readTrace(inEnvelope(context))).toBeUndefined();
  expect(readTrace(inPayload(context))).toBeUndefined();
  expect(readTrace(inEnvelope(context, { trace_id: ID }))).toEqual({ traceId: ID });
});

test.each([7, null, "", "a=1\r\nx: y", "ä=1", "x".repeat(513)])(
  "R-11-2: a tracestate of %j is left out, and the rest is read",
  (tracestate) => {
    const trace = readTrace(inEnvelope({ traceparent: PARENTS, tracestate }));
    expect(trace).toEqual({ traceId: ID, context: { traceparent: PARENTS } });
  },
);

test("every new context has a parent id of its own", () => {
  const made = [newTraceContext(ID), newTraceContext(ID)].map(({ traceparent }) => traceparent);
  for (const traceparent of made) {
    expect(traceparent).toMatch(new RegExp(`^00-${ID}-(?!0{16})[0-9a-f]{16}-01$`));
  }
  expect(new Set(made).size).toBe(2);
});

test.each<[string, (text: string) => unknown]>([
  ["trace_id", (trace_id) => readTrace({ trace_id, payload: {} })],
  ["context", (traceparent) => readTrace(inEnvelope({ traceparent }))],
])("R-14-2: what is read of a long %s does not keep it in memory", (_, read) => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const traceOf = (i: number): unknown =>
    read(`00-${ID}-${PARENT}-01-${Buffer.alloc(1_000_000, i + 65).toString("latin1")}`);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const traces = Array.from({ length: 50 }, (_, i) => traceOf(i));
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(25_000_000);
  expect(traces).toContainEqual(expect.objectContaining({ traceId: ID }));
});
