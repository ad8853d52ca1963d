import { AsyncLocalStorage } from "node:async_hooks";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { Observer } from "./observer.ts";

const boom = (): never => {
  throw new Error("the observer is broken");
};
const reject = async (): Promise<never> => boom();
const unreadable = {
  get traceparent() {
    return boom();
  },
};

/** Observers that misbehave in every way; what they return is not trusted. */
const broken: Readonly<Record<string, object>> = {
  "throws everywhere": { start: boom, job: boom, close: boom },
  "rejects everywhere": { start: reject, job: reject, close: reject },
  "throws for its jobs": {
    job: () => ({
      get trace() {
        return boom();
      },
      within: boom,
      operation: boom,
      spent: boom,
      cancelling: boom,
      failed: boom,
      ended: boom,
    }),
  },
  "rejects for its jobs": {
    job: () => ({ within: reject, operation: reject, spent: reject, ended: reject }),
  },
  "throws for its operations": {
    job: () => ({ operation: () => ({ within: boom, ended: boom }) }),
  },
  "has traces that cannot be read": {
    job: () => ({ trace: unreadable, operation: () => ({ trace: unreadable }) }),
  },
  "throws behind the call": {
    job: () => ({
      within(run: () => void) {
        run();
        boom();
      },
    }),
  },
  "is no observer of jobs": { job: () => "yes" },
  "is one of numbers": { job: () => ({ within: 1, operation: 2, ended: 3, trace: 4 }) },
};

test.each(Object.entries(broken))(
  "O1: an observer that %s does no harm, and is logged once",
  async (_, observer) => {
    const lines: string[] = [];
    const { runtime, start } = hosting({
      observer: observer as Observer,
      tools: { sum: () => 3 },
      logger: pino({ level: "error" }, { write: (line: string) => void lines.push(line) }),
    });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const lease_request = { "tool.call": ["sum"], "cost.budget": ["USD:1"] };
    const job = await start(viewer, { lease_request });
    expect(await job.ctx.tools.call("sum")).toBe(3);
    await job.ctx.metric({ name: "cost.x", value: 0.5, unit: "USD" });
    job.end("done");
    expect((await viewer.terminal(job.id)).payload.result).toBe("done");
    const next = await start(viewer, { lease_request });
    viewer.send("job.cancel", { job_id: next.id }, { job_id: next.id });
    await settled();
    next.fail(new Error("stopped"));
    expect((await viewer.terminal(next.id)).payload.code).toBe("CANCELLED");
    await runtime.close();
    await settled();
    const complaints = lines.filter((line) => line.includes("observer of the runtime"));
    expect(complaints).toHaveLength(observer === broken["is no observer of jobs"] ? 0 : 1);
  },
);

test("O1: an agent runs once, whether its observer calls back never, twice or much later", async () => {
  const late: Array<() => void> = [];
  const ways: ReadonlyArray<(run: () => void) => void> = [
    () => {},
    (run) => [run(), run()],
    (run) => late.push(run),
  ];
  for (const within of ways) {
    let runs = 0;
    const count = defineAgent({ name: "count", run: async () => ++runs });
    const observer = { job: () => ({ within, operation: () => ({ within }) }) };
    const { runtime } = hosting({ observer, agents: [count] });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const { job_id } = await viewer.submit("count");
    expect((await viewer.terminal(job_id)).payload.result).toBe(1);
    for (const run of late) run();
    expect(runs).toBe(1);
    await runtime.close();
  }
});

test("O1: wrong arguments reach an observed agent as they reach any other", async () => {
  const nothing = Object.create(null);
  const outcomes = async (observer?: Observer): Promise<string[]> => {
    const { runtime, start } = hosting(observer && { observer });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const { ctx, end } = await start(viewer);
    const calls: ReadonlyArray<() => unknown> = [
      () => ctx.tools.call(nothing),
      () => ctx.tools.call("x", { toJSON: boom }),
      () => ctx.fs.readText(nothing),
      () => ctx.fs.writeFile("a", nothing),
      () => ctx.fetch(nothing),
      () => ctx.fetch("http://a.example", { method: nothing }),
      () => ctx.delegate(nothing),
      () => ctx.delegate(undefined as never),
      () => ctx.model(nothing),
      () => ctx.spend.reserve(undefined as never),
      () => ctx.spend.reserve({ USD: nothing }),
      () => ctx.authorize(nothing, nothing),
    ];
    const seen: string[] = [];
    for (const call of calls) {
      try {
        const returned = call();
        const how = returned instanceof Promise ? "rejects" : "returns";
        seen.push(await Promise.resolve(returned).then(String, (error) => `${how} ${error}`));
      } catch (error) {
        seen.push(`throws ${error}`);
      }
    }
    end();
    await runtime.close();
    return seen;
  };
  const observer = { job: () => ({ operation: () => ({}) }) };
  expect(await outcomes(observer)).toEqual(await outcomes());
});

test("context that an observer attaches to the call flow reaches the agent, its tools, and no other job", async () => {
  const flow = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const look = async (where: string): Promise<void> => {
    await settled(3);
    seen.push(`${where}: ${flow.getStore()}`);
  };
  const agent = defineAgent({
    name: "parent",
    async run(ctx) {
      await look("parent");
      await Promise.all([ctx.tools.call("look"), ctx.delegate("child").then((c) => c.result())]);
      const stopped = await ctx.delegate("stopped");
      await settled();
      await stopped.cancel();
      await stopped.result().catch(() => {});
      await look("parent again");
    },
  });
  const child = defineAgent({ name: "child", run: () => look("child") });
  const stopped = defineAgent({
    name: "stopped",
    run: ({ signal }) =>
      new Promise((_, reject) => {
        const stop = () => void look("stop").then(() => reject(signal.reason));
        signal.addEventListener("abort", stop);
      }),
  });
  const { runtime } = hosting({
    agents: [agent, child, stopped],
    tools: { look: () => look("tool") },
    observer: {
      job: ({ agent: name }) => ({
        within: (run) => flow.run(name, run),
        operation: (operation) => ({ within: (run) => flow.run(operation.name, run) }),
      }),
    },
  });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const lease_request = { "tool.call": ["*"], "agent.delegate": ["*"] };
  const accepted = await viewer.submit("parent", null, { lease_request });
  await viewer.terminal(accepted.job_id);
  expect(seen.sort()).toEqual([
    "child: child",
    "parent again: parent",
    "parent: parent",
    "stop: stopped",
    "tool: tool.call",
  ]);
  expect(flow.getStore()).toBeUndefined();
});
