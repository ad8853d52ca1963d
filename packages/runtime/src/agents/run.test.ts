import { setTimeout } from "node:timers/promises";
import { inspect } from "node:util";
import { ArcpError, formatTimestamp } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { z } from "zod";
import { FakeUpstream } from "../../test/fake-upstream.ts";
import { hosting } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";
import { type AnyAgent, defineAgent } from "./agent.ts";
import type { Tool } from "./tool.ts";

async function logged(tools: Record<string, Tool> = {}, agents: readonly AnyAgent[] = []) {
  const lines: { msg: string }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const host = hosting({ tools, agents, logger: pino({ level: "error" }, { write }) });
  const viewer = new Viewer(host.runtime);
  await viewer.hello([...ALL_FEATURES, "lease_expires_at"]);
  return { ...host, viewer, lines };
}

test.each([
  ["TIMEOUT", () => ({ max_runtime_sec: 60 })],
  ["LEASE_EXPIRED", (at: string) => ({ lease_constraints: { expires_at: at } })],
])("the reason of an agent's signal is what ended its job: %s", async (code, limits) => {
  const { clock, viewer, start } = await logged();
  const job = await start(viewer, limits(formatTimestamp(clock.now() + 60_000)));
  const { signal } = job.ctx;
  clock.advance(60_000);
  const { payload } = await viewer.terminal(job.id);
  expect(payload.code).toBe(code);
  expect(signal.reason).toMatchObject({ code, message: payload.message });
});

test("an agent that throws an error caused by its signal has stopped, and not failed", async () => {
  const { viewer, start, lines } = await logged();
  const job = await start(viewer);
  const { signal } = job.ctx;
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  job.fail(
    new DOMException("The operation was aborted", { name: "AbortError", cause: signal.reason }),
  );
  expect((await viewer.terminal(job.id)).payload.code).toBe("CANCELLED");
  expect(lines).toEqual([]);
});

test.each([
  ["an abort that nobody asked for", false, new DOMException("aborted", "AbortError")],
  ["another error while it stops", true, new TypeError("not a function")],
])("an agent that throws %s has failed", async (_, told, error) => {
  const { viewer, start, lines } = await logged();
  const job = await start(viewer);
  if (told) await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  job.fail(error);
  await viewer.terminal(job.id);
  expect(lines).toMatchObject([
    { msg: "an agent failed", job: job.id, agent: "led", err: { message: error.message } },
  ]);
});

test("a result that violates the agent's own schema is logged with the place of the fault", async () => {
  const counter = defineAgent({
    name: "counter",
    output: z.object({ files: z.array(z.int()) }),
    run: () => ({ files: [1, 1.5] }),
  });
  const { viewer, lines } = await logged({}, [counter]);
  const { job_id } = await viewer.submit("counter");
  expect((await viewer.terminal(job_id)).payload.code).toBe("INTERNAL_ERROR");
  expect(lines).toMatchObject([
    { msg: "an agent failed", err: { message: expect.stringContaining("result.files.1: ") } },
  ]);
});

test("a result that is not JSON is logged with the job and the agent", async () => {
  const { viewer, start, lines } = await logged();
  const job = await start(viewer);
  job.end({ count: 1n });
  await viewer.terminal(job.id);
  expect(lines).toMatchObject([
    { msg: "what an agent ended with is not JSON", job: job.id, agent: "led" },
  ]);
});

test.each([
  ["a map", new Map([["a", 1]]), "[object Map]"],
  ["a set", new Set([1]), "[object Set]"],
  ["what an async generator gives", (async function* () {})(), "[object AsyncGenerator]"],
  ["bytes", new Uint8Array([1, 2]), "[object Uint8Array]"],
  ["a function", () => {}, "[object Function]"],
  ["a symbol", Symbol("s"), "[object Symbol]"],
  ["what makes a map of itself", { toJSON: () => new Map() }, "[object Map]"],
])("an agent that returns %s is told that it would be lost", async (_, value, what) => {
  const { viewer, start, lines } = await logged();
  const job = await start(viewer);
  job.end(value);
  expect((await viewer.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
  expect(lines).toMatchObject([{ err: { message: expect.stringContaining(what) } }]);
});

test.each([
  ["an empty list", [], []],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [
    "an instance of a class",
    new (class Found {
      at = 1;
    })(),
    { at: 1 },
  ],
  ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["a number in a box", Object(1), 1],
  ["an empty object", {}, {}],
  ["what holds nothing, like an event", new (class Nothing {})(), {}],
  [
    "what is iterable and has its parts too",
    new (class extends Map {
      at = 1;
    })(),
    { at: 1 },
  ],
])("an agent may return %s", async (_, value, arrives) => {
  const { viewer, start } = await logged();
  const job = await start(viewer);
  job.end(value);
  expect((await viewer.terminal(job.id)).payload.result).toEqual(arrives);
});

test("a tool's error is logged with tool, job and agent, unless it was deliberate or the tool was stopped", async () => {
  const refusal = new ArcpError("INVALID_REQUEST", "there are no socks");
  const begun = Promise.withResolvers<void>();
  const tools: Record<string, Tool> = {
    refusing: () => Promise.reject(refusal),
    broken: () => Promise.reject(new Error("connect ECONNREFUSED")),
    stopped(_, { signal }) {
      begun.resolve();
      return setTimeout(60_000, undefined, { signal });
    },
  };
  const { viewer, start, lines } = await logged(tools);
  const job = await start(viewer, { lease_request: { "tool.call": ["*"] } });
  const { call } = job.ctx.tools;
  await expect(call("refusing")).rejects.toBe(refusal);
  await expect(call("broken")).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  const stopped = call("stopped");
  await begun.promise;
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  await expect(stopped).rejects.toMatchObject({ code: "CANCELLED" });
  expect(lines).toHaveLength(1);
  expect(lines).toMatchObject([
    {
      msg: "a tool failed",
      tool: "broken",
      job: job.id,
      agent: "led",
      err: { message: "connect ECONNREFUSED" },
    },
  ]);
});

class Unreadable extends Error {
  override get message(): string {
    throw new Error("there is none");
  }

  [inspect.custom](): never {
    throw new Error("it cannot be shown");
  }
}

test.each([
  ["whose job has secrets", { provisioners: { llm: new FakeUpstream() } }],
  ["whose job has none", {}],
])(
  "J3: an agent %s ends its job even if what it throws cannot be inspected",
  async (_, options) => {
    const lines: string[] = [];
    const { start, submit } = hosts({
      ...options,
      tools: { broken: () => Promise.reject(new Unreadable()) },
      observer: { job: () => ({ operation: () => ({}) }) },
      logger: pino({ level: "error" }, { write: (line: string) => void lines.push(line) }),
    });
    const viewer = new Viewer(start(), { peer: { address: "127.0.0.1", loopback: true } });
    await viewer.hello(["provisioned_credentials"]);
    const { id, ctx, end } = await submit(viewer, { lease_request: { "tool.call": ["broken"] } });
    await expect(ctx.tools.call("broken")).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
    end(Promise.reject(new Unreadable()));
    expect((await viewer.terminal(id)).payload.code).toBe("INTERNAL_ERROR");
    expect(lines[0]).toContain("a tool failed");
    expect(lines.at(-1)).toContain("an agent failed");
  },
);
