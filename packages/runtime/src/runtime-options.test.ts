import { expect, test } from "vitest";
import { z } from "zod";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import { AgentRegistry } from "./agents/agent-registry.ts";
import { defineTool } from "./agents/tool.ts";
import { allowAnonymous, tokenTable } from "./auth.ts";
import { createRuntime, type Runtime } from "./runtime.ts";
import { memoryStore } from "./store/memory-store.ts";

const misuse = (message: string | RegExp) =>
  expect.objectContaining({ code: "MISUSE", message: expect.stringMatching(message) });

async function viewing(runtime: Runtime): Promise<Viewer> {
  const viewer = new Viewer(runtime);
  await viewer.hello();
  return viewer;
}

const create = (options: object) => () =>
  createRuntime({ agents: [], auth: allowAnonymous(), ...options } as never);

test.each([
  [{ limit: {} }, /^createRuntime: limit is not one of its options, which are agents, auth, /],
  [{ agents: undefined }, /agents must be an array, not undefined$/],
  [{ agents: { count: {} } }, /agents must be an array, not an object$/],
  [{ auth: "a-token" }, /auth must be a function: tokenTable\(.*, not a string$/],
  [
    { tools: new Map() },
    /tools must be an object with a value for each name, not an instance of a class$/,
  ],
  [{ models: ["gpt"] }, /models must be .*, not an array$/],
  [{ provisioners: null }, /provisioners must be .*, not null$/],
  [{ policy: () => true }, /policy must be an object with parts of a policy, not a function$/],
  [{ workspace: 7 }, /workspace must be a string, not 7$/],
  [{ endJobsAtExpiry: "false" }, /endJobsAtExpiry must be true or false, not a string$/],
  [{ endJobsAtExhaustion: 1 }, /endJobsAtExhaustion must be true or false, not 1$/],
  [{ cancelOrphans: 1 }, /cancelOrphans must be true or false, not 1$/],
  [{ showErrorDetails: "dev" }, /showErrorDetails must be true or false, not a string$/],
  [{ resumeByTokenAlone: "yes" }, /resumeByTokenAlone must be true or false, not a string$/],
  [{ name: 5 }, /name must be a string, not 5$/],
  [{ clock: Date }, /clock must be a clock, not a function$/],
  [{ logger: {} }, /logger must be a pino logger, not an object$/],
  [{ observer: () => {} }, /observer must be an observer, such as otel\(\), not a function$/],
  [{ observer: { onJob() {} } }, /^observer: onJob is not one of its options/],
  [{ observer: { job: {} } }, /^observer: job must be a function, not an object$/],
])(
  "an invalid option of a runtime is refused when the runtime is created: %o",
  (options, message) => {
    expect(create(options)).toThrow(misuse(message));
  },
);

test.each([
  [{ maxSesions: 5 }, /^limits: maxSesions is not one of its options, which are resumeWindowSec, /],
  [{ resumeWindowSec: "600" }, /^limits: resumeWindowSec must be .*, not a string$/],
  [{ retentionSec: null }, /^limits: retentionSec must be a number above zero, not null$/],
])("an unknown limit, or one that is not a number, is refused: %o", (limits, message) => {
  expect(create({ limits })).toThrow(misuse(message));
});

test("every limit may be undefined, for its default", () => {
  expect(create({ limits: { retentionSec: undefined, fileBytes: undefined } })).not.toThrow();
});

test("an option may be undefined, like an unset environment variable, for its default", async () => {
  const unset: string | undefined = process.env["ARCP_THAT_NOBODY_SETS"];
  const runtime = createRuntime({
    agents: [],
    auth: allowAnonymous(),
    name: unset,
    version: unset,
    workspace: unset,
    store: undefined,
    limits: undefined,
    policy: undefined,
  });
  const { payload } = await new Viewer(runtime).hello();
  expect(payload.runtime).toEqual({ name: "arcp-ts-runtime", version: expect.any(String) });
});

test("an agent's or operator's optional values may be undefined, too", async () => {
  const { runtime, start } = hosting({
    agents: [defineAgent({ name: "child", run: () => "done" })],
    limits: { cancelGraceSec: undefined },
    policy: { grant: undefined },
    tools: { echo: defineTool({ input: undefined, output: undefined, run: (args) => args }) },
  });
  const viewer = await viewing(runtime);
  const lease_request = { "agent.delegate": ["child"], "cost.budget": ["USD:1"] };
  const { id, ctx, end } = await start(viewer, { lease_request });
  await ctx.progress({ current: 1, total: undefined, units: undefined, message: undefined });
  await ctx.metric({ name: "pages", value: 1, unit: undefined, dimensions: undefined });
  ctx.spend.reserve({ USD: "0.5" }, { name: undefined, dimensions: undefined }).release();
  const limits = { lease: undefined, expiresAt: undefined, maxRuntimeSec: undefined };
  expect(await (await ctx.delegate("child", null, limits)).result()).toBe("done");
  end(null);
  await viewer.terminal(id);
  expect(viewer.stream.map(({ payload }) => payload.body)).toContainEqual({ current: 1 });
  await runtime.close({ finishSec: undefined, cancelSec: undefined });
});

test.each([
  [
    { mayObserv: () => true },
    /^policy: mayObserv is not one of its options, which are mayObserve, /,
  ],
  [{ mayObserve: true }, /^policy: mayObserve must be a function, not a boolean$/],
  [{ modelsWithoutLease: "Registered" }, /must be "none" or "registered", not a string$/],
  [{ dialect: "draft" }, /^policy: dialect must be a function, not a string$/],
])("an invalid part of a policy, which would decide nothing, is refused: %o", (policy, message) => {
  expect(create({ policy })).toThrow(misuse(message));
});

test.each([
  ["policy", { mayObserve: () => true, isAdmin: () => false }, "isAdmin"],
  ["policy", { modelWithoutLease: "registered" }, "modelWithoutLease"],
  ["observer", { jobs: () => undefined }, "jobs"],
])("a likely misspelling in a plain %s is refused", (what, parts, name) => {
  expect(create({ [what]: parts })).toThrow(misuse(new RegExp(`^${what}: ${name} is not one of`)));
});

test("a policy and an observer that are plain objects keep the fields that their functions use", async () => {
  const policy = {
    staff: new Set(["alice"]),
    admin: "carol",
    maySubmit(principal: string) {
      return this.staff.has(principal);
    },
  };
  const observer = {
    began: 0,
    names: ["a"],
    start() {
      this.began += 1;
    },
  };
  const { runtime, start } = hosting({ policy, observer });
  expect(observer.began).toBe(1);
  const viewer = new Viewer(runtime);
  await viewer.hello();
  expect((await start(viewer)).id).toBeDefined();
  policy.staff.clear();
  expect((await viewer.submit("led")).payload.code).toBe("AGENT_NOT_AVAILABLE");
});

test("a policy of the operator's own class keeps what else it needs", () => {
  class Staff {
    readonly names = new Set(["alice"]);
    maySubmit(principal: string) {
      return this.names.has(principal);
    }
  }
  expect(create({ policy: new Staff() })).not.toThrow();
});

const run = () => {};

test.each([
  [
    { name: "a", run, atempts: 3 },
    /^the agent a: atempts is not one of its options, which are name, /,
  ],
  [{ name: "a", run, input: { pages: z.int() } }, /^the agent a: input must be a Standard Schema/],
  [{ name: "a", run, output: { type: "object" } }, /output must be a Standard Schema/],
  [{ name: "a", run, events: { "x-vendor.a.b": {} } }, /events must be .* by each kind/],
  [{ name: "a", run, attempts: "3" }, /attempts must be a whole number from 1, or Infinity/],
  [{ name: "a", run, stallSec: null }, /stallSec must be a number above zero, not null/],
  [{ name: "a", run, showOperations: "no" }, /showOperations must be true or false/],
  [{ name: 7, run }, /^the agent 7: name must be a string, not 7$/],
  [undefined, /^the agent undefined: must be an object, not undefined$/],
])("an invalid definition of an agent is refused: %o", (definition, message) => {
  expect(() => defineAgent(definition as never)).toThrow(misuse(message));
});

test("an agent not made by `defineAgent` is checked too, and may have extra properties", () => {
  const registry = new AgentRegistry();
  expect(() => registry.register({ name: "A a", run })).toThrow(misuse(/not an agent reference/));
  expect(create({ agents: [{ name: "a" }] })).toThrow(misuse(/run must be a function that does/));
  expect(create({ agents: [undefined] })).toThrow(misuse(/must be an object, not undefined/));
  const shown = { name: "a", run, description: "does nothing" };
  registry.register(shown);
  expect(registry.find({ name: "a" })).toBe(shown);
});

test("an agent and a tool of one's own class keep their methods", () => {
  class Counter {
    readonly name = "counter";
    readonly #by = 2;
    run(): number {
      return this.#by;
    }
  }
  const counter = new Counter();
  expect(defineAgent(counter).run({} as never, undefined)).toBe(2);
  expect(defineTool(counter).run(undefined, {} as never)).toBe(2);
});

test.each([
  [{ run, inputs: z.string() }, /^defineTool: inputs is not one of its options, which are input, /],
  [{ run, input: {} }, /^defineTool: input must be a Standard Schema/],
  [{ input: z.string() }, /^defineTool: run must be a function, not undefined$/],
])("an invalid definition of a tool is refused: %o", (definition, message) => {
  expect(() => defineTool(definition as never)).toThrow(misuse(message));
});

test("a tool not made by `defineTool` may have extra properties, but no invalid schema", () => {
  const look = { run, description: "looks something up" };
  expect(create({ tools: { look } })).not.toThrow();
  expect(create({ tools: { look: { run, input: {} } } })).toThrow(
    misuse(/^the tool look: input must be a Standard Schema/),
  );
});

const CIRCLE: Record<string, object> = {};
CIRCLE["input"] = { USD: CIRCLE };

test.each([
  [
    { input: 2.5 },
    '{"input":2.5} is not a price of gpt: per million of each unit, such as {"input":{"USD":"2.50"}}',
  ],
  [{ input: null }, '{"input":null} is not a price of gpt'],
  [null, "null is not a price of gpt"],
  [7, "7 is not a price of gpt"],
  [7n, '"7n" is not a price of gpt'],
  [{ input: { USD: 2n } }, '{"input":{"USD":"2n"}} is not a price of gpt'],
  [{ input: [new Set([2n])] }, '{"input":[{}]} is not a price of gpt'],
  [CIRCLE, "something that is not JSON is not a price of gpt"],
])("R-9.7-1: a model with an unreadable price is not free: %o", (table, message) => {
  expect(create({ models: { gpt: table } })).toThrow(misuse(message.replace(/[{}[\]]/g, "\\$&")));
});

test("a provisioner that cannot issue or revoke is refused before it has issued anything", () => {
  const store = { ...memoryStore(), durable: true };
  const half = { llm: { issue: async () => undefined } };
  expect(create({ store, provisioners: half })).toThrow(
    misuse(/^the provisioner llm: revoke must be a function, not undefined$/),
  );
});

test("R-6.1-2: a token table lets nobody in by an unset variable", () => {
  for (const token of ["", "undefined", "null"]) {
    expect(() => tokenTable({ "a-token": "alice", [token]: "bob" })).toThrow(
      misuse(
        `^tokenTable: "${token}" is not a token: is the environment variable that it comes from set\\?$`,
      ),
    );
  }
});

test("a token table without a name is refused, and the error reveals no token", () => {
  for (const principal of ["", undefined, null, { name: "alice" }]) {
    const message = 'tokenTable: a principal must be a name, such as "alice"';
    expect(() => tokenTable({ s3cret: principal as never })).toThrow(misuse(`^${message}$`));
    if (principal === undefined) continue;
    expect(() => allowAnonymous(principal as never)).toThrow(misuse("^allowAnonymous: a princ"));
  }
  for (const tokens of [undefined, ["a-token"], new Map([["a-token", "alice"]])]) {
    expect(() => tokenTable(tokens as never)).toThrow(misuse("takes an object"));
  }
});

test.each([
  [{ graceSec: 5 }, /^close: graceSec is not one of its options, which are finishSec, cancelSec$/],
  [{ finishSec: "5" }, /^close: finishSec must be a number from zero/],
  [{ cancelSec: -1 }, /^close: cancelSec must be a number from zero/],
  ["SIGTERM", /^close: must be an object, not a string$/],
])("a close with invalid options closes nothing: %o", async (options, message) => {
  const { runtime, start } = hosting();
  await using _ = runtime;
  const job = await start(await viewing(runtime));
  await expect(runtime.close(options as never)).rejects.toEqual(misuse(message));
  await settled();
  expect(await runtime.jobs.get(job.id)).toMatchObject({ status: "running" });
});

test.each([
  [
    { principle: "alice" },
    /^the filter: principle is not one of its options, which are principal, /,
  ],
  [{ status: "running" }, /status must be an array with some of pending, /],
  [{ status: ["runing"] }, /status must be an array with some of pending, /],
  [{ acceptedAfter: new Date() }, /acceptedAfter must be a time in milliseconds since 1970/],
])("an invalid filter, which would fit every job, is refused: %o", async (filter, message) => {
  const { runtime } = hosting();
  await expect(runtime.jobs.list(filter as never).next()).rejects.toEqual(misuse(message));
});

test("a filter passed in place of the reason does not cancel every job", async () => {
  const { runtime, start } = hosting();
  await using _ = runtime;
  const job = await start(await viewing(runtime));
  await expect(runtime.jobs.cancelAll({ principal: "nobody" } as never)).rejects.toEqual(
    misuse("^cancelAll takes a reason, a string or undefined, and a filter$"),
  );
  await settled();
  expect(await runtime.jobs.get(job.id)).toMatchObject({ status: "running" });
});

test.each([
  [null, /^the filter: must be an object, not null$/],
  [["alice"], /^the filter: must be an object, not an array$/],
  [{ status: ["running"] }, /^the filter: status is not one of its options, which are principal, /],
  [{ principal: undefined }, /^the filter: principal is undefined; leave it out to cancel all$/],
])("an invalid filter does not cancel every job: %o", async (filter, message) => {
  const { runtime, start } = hosting();
  await using _ = runtime;
  const { ctx } = await start(await viewing(runtime));
  await expect(runtime.jobs.cancelAll("cost", filter as never)).rejects.toEqual(misuse(message));
  await settled();
  expect(ctx.signal.aborted).toBe(false);
});

test("a filter that is an instance of a class applies all its properties, and nothing else", async () => {
  class Own {
    readonly limit = 0;
    get principal() {
      return "nobody";
    }
  }
  const { runtime, start } = hosting();
  await using _ = runtime;
  await start(await viewing(runtime));
  expect(await runtime.jobs.cancelAll("cost", new Own())).toBe(0);
  expect(await runtime.jobs.list(new Own()).next()).toMatchObject({ done: true });
});

test.each([
  [{ logLimit: {} }, /^memoryStore: logLimit is not one of its options, which are logLimits, /],
  [{ logLimits: { record: 5 } }, /^logLimits: record is not one of its options/],
  [{ logLimits: { records: "5" } }, /^logLimits: records must be a number above zero, or Infinity/],
])("an invalid limit of an in-memory store is refused: %o", (options, message) => {
  expect(() => memoryStore(options as never)).toThrow(misuse(message));
});

test("anything but a transport is refused when served, and does not end the process later", async () => {
  const { runtime } = hosting();
  await using _ = runtime;
  const socket = { send() {}, close() {}, on() {} };
  for (const [given, message] of [
    [undefined, /^the transport: must be an object, not undefined$/],
    [socket, /^the transport: frames must be an async iterable, not undefined$/],
    [{ ...socket, frames: [] }, /^the transport: frames must be an async iterable, not an array$/],
  ] as const) {
    expect(() => runtime.serve(given as never)).toThrow(misuse(message));
  }
});

test("removing an agent by a string, which would remove none, is refused", () => {
  const registry = new AgentRegistry([{ name: "a", run }]);
  expect(() => registry.remove("a" as never)).toThrow(misuse("must be an object, not a string"));
  expect(() => registry.remove({ version: "1" } as never)).toThrow(misuse("name must be a string"));
  registry.remove({ name: "a" });
  expect(registry.find({ name: "a" })).toBeUndefined();
});
