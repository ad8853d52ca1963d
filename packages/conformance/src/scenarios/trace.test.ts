import { TRACE_CONTEXT } from "@arcp/core";
import type { ToolCall } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const ID = "9f2c41d07be84a6392d5e8b1c03f7a64";
const TRACEPARENT = `00-${ID}-00f067aa0ba902b7-01`;
const context = { traceparent: TRACEPARENT, tracestate: "acme=1" };
const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";

describe.each(ways)("over %s", (way) => {
  test("R-11-2, R-11-3, R-11-4 and R-11-5: a trace is accepted in any form, and is on every envelope, in agents and in tools", async () => {
    const told: unknown[] = [];
    const tools = { t: (_: unknown, { trace }: ToolCall) => void told.push(trace) };
    await using stage = await Stage.open(way, { tools });
    const wire = await stage.greeted();
    const asPayload = (payload: object) => ({
      agent: "puppet",
      lease_request: { "tool.call": ["t"] },
      ...payload,
    });
    const forms: [envelope: object, payload: object, trace: object][] = [
      [{ trace_id: TRACEPARENT }, {}, { traceId: ID, traceparent: TRACEPARENT }],
      [{ extensions: { [TRACE_CONTEXT]: context } }, {}, { traceId: ID, ...context }],
      [{}, { extensions: { [TRACE_CONTEXT]: context } }, { traceId: ID, ...context }],
      [{ trace_id: ID, extensions: { [TRACE_CONTEXT]: context } }, {}, { traceId: ID, ...context }],
    ];
    for (const [index, [envelope, payload, trace]] of forms.entries()) {
      const id = `req_${index}`;
      const message = { type: "job.submit", id, payload: asPayload(payload), ...envelope };
      // Other SDKs send what ours does not (R-11-1).
      await wire.send(message, { faulty: index === 0 });
      const accepted =
        index === 0
          ? await wire.notice((e) => e.type === "job.accepted")
          : await wire.reply("job.submit", id);
      expect(accepted.trace_id).toBe(ID);
      const puppet = await stage.puppets.next();
      expect(puppet.ctx.trace).toEqual(trace);
      await puppet.ctx.tools.call("t");
      expect(told.pop()).toEqual(trace);
      puppet.finish();
      const all = await wire.until(isTerminal);
      expect(new Set(all.map(({ trace_id }) => trace_id))).toEqual(new Set([ID]));
    }
  });

  test("R-11-2 and R-11-4: an unusable trace is ignored, and a new one is made", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const extensions = { [TRACE_CONTEXT]: { traceparent: "nonsense", tracestate: "a=1" } };
    await wire.send({ type: "job.submit", id: "req_1", payload: { agent: "puppet" }, extensions });
    const { trace_id: traceId = "" } = await wire.reply("job.submit", "req_1");
    const { ctx } = await stage.puppets.next();
    expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(ctx.trace).toEqual({ traceId, traceparent: expect.stringContaining(`00-${traceId}-`) });
  });

  test("R-11-5: a delegated job, and its tools, have the context of the job that delegated it", async () => {
    const told: unknown[] = [];
    const tools = { t: (_: unknown, { trace }: ToolCall) => void told.push(trace) };
    await using stage = await Stage.open(way, { tools });
    const wire = await stage.greeted();
    const lease_request = { "agent.delegate": ["puppet"], "tool.call": ["t"] };
    for (const [id, extensions] of [
      ["req_1", { [TRACE_CONTEXT]: context }],
      ["req_2", undefined],
    ] as const) {
      const payload = { agent: "puppet", lease_request };
      await wire.send({ type: "job.submit", id, payload, ...(extensions && { extensions }) });
      const parent = await stage.puppets.next();
      await parent.ctx.delegate("puppet", null, { lease: { "tool.call": ["t"] } });
      const { ctx } = await stage.puppets.next();
      await ctx.tools.call("t");
      expect(ctx.trace).toEqual(parent.ctx.trace);
      expect(told.pop()).toEqual(parent.ctx.trace);
      if (extensions !== undefined) expect(ctx.trace).toEqual({ traceId: ID, ...context });
    }
  });
});
