import { LocalError } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import { allowAnonymous } from "./auth.ts";
import { createRuntime } from "./runtime.ts";
import { memoryStore } from "./store/memory-store.ts";

/** Whether a promise has settled by now. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await settled();
  return done;
}

test("R-6.1-4: a runtime without a way to authenticate cannot be created", () => {
  expect(() => createRuntime({ agents: [] } as never)).toThrow(LocalError);
});

test("anything but a store is refused at once, and does not end the process later", () => {
  for (const store of ["arcp.db", null, () => memoryStore(), Promise.resolve(memoryStore())]) {
    const options = { agents: [], auth: allowAnonymous(), store };
    expect(() => createRuntime(options as never)).toThrow("store must be a store");
  }
});

test("a workspace that is not absolute is refused at once, not job by job", () => {
  const message = "the workspace must be an absolute path, not ./work";
  expect(() => hosting({ workspace: "./work" })).toThrow(message);
  const relative = { name: "a", workspace: "./work", run: () => {} };
  expect(() => defineAgent(relative)).toThrow(message);
});

test("limits that are not positive numbers are refused by name", () => {
  for (const limits of [
    { resumeWindowSec: 0 },
    { resumeWindowSec: 1.5 },
    { cancelGraceSec: -1 },
    { retentionSec: Number.NaN },
    { retentionSec: Number.POSITIVE_INFINITY },
  ]) {
    expect(() => hosting({ limits })).toThrow(Object.keys(limits)[0]);
  }
});

test("R-6.7-6: a closing runtime tells everyone, ends its jobs, and leaves no timer", async () => {
  const { runtime, start, clock, store } = hosting();
  const viewers = [new Viewer(runtime), new Viewer(runtime)];
  for (const viewer of viewers) await viewer.hello();
  const job = await start(viewers[0] as Viewer, { max_runtime_sec: 100 });
  const silent = new Viewer(runtime);
  await runtime.close();
  for (const viewer of viewers) {
    expect(await viewer.ended).toMatchObject({ reason: "going-away" });
    expect(viewer.frames.at(-1)?.type).toBe("session.closed");
  }
  expect(await silent.ended).toMatchObject({ reason: "going-away" });
  expect(job.ctx.signal.aborted).toBe(true);
  expect((await store.jobs.get(job.id))?.status).toBe("cancelled");
  expect(clock.pending).toBe(0);
  const late = new Viewer(runtime);
  expect(await late.ended).toMatchObject({ reason: "going-away" });
  expect(runtime.close()).toBe(runtime.close());
});

test("a submit that is being stored when the runtime closes is completed before the store is closed", async () => {
  const { runtime, store, begun } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  let storeClosed = false;
  store.close = async () => {
    storeClosed = true;
  };
  store.held.jobs.hold();
  viewer.send("job.submit", { agent: "led" });
  await settled();
  const closing = runtime.close();
  expect(await settles(closing)).toBe(false);
  expect(storeClosed).toBe(false);
  await store.held.jobs.open();
  await closing;
  for (const { promise } of begun.values()) {
    expect((await promise).ctx.signal.aborted).toBe(true);
  }
  const before = begun.size;
  await settled();
  expect(begun.size).toBe(before);
});

test("a submit that arrives after the runtime began to close starts nothing", async () => {
  const { runtime, begun } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  viewer.send("job.submit", { agent: "led" });
  await runtime.close();
  await settled();
  expect(begun.size).toBe(0);
});

test("a projector that is reading when the runtime closes is done before the store closes, and starts no window", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  await settled();
  let storeClosed = false;
  const late: string[] = [];
  const { read } = store.logs;
  const { commit } = store.sessions;
  store.close = async () => {
    storeClosed = true;
  };
  store.logs.read = async (...args) => {
    const page = await read(...args);
    if (storeClosed) late.push("read");
    return page;
  };
  store.sessions.commit = async (...args) => {
    if (storeClosed) late.push("commit");
    return commit(...args);
  };
  store.held.reads.hold();
  await job.ctx.log.info("being read");
  await job.ctx.flush();
  await settled();
  const closing = runtime.close();
  expect(await settles(closing)).toBe(false);
  await store.held.reads.open();
  await closing;
  await settled();
  expect(late).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a token check that never settles does not keep the runtime from closing", async () => {
  const { runtime, clock } = hosting({ auth: () => new Promise(() => {}) });
  const viewer = new Viewer(runtime);
  void viewer.hello();
  await settled();
  const closing = runtime.close();
  expect(await settles(closing)).toBe(false);
  clock.advance(5000);
  await closing;
  clock.advance(5000);
  expect(clock.pending).toBe(0);
});

test("a token check or an input check that settles after the runtime has closed starts nothing", async () => {
  const token = Promise.withResolvers<string>();
  const input = Promise.withResolvers<void>();
  let ran = 0;
  const slow = defineAgent({
    name: "slow",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async (value: unknown) => {
          await input.promise;
          return { value };
        },
      },
    },
    run: () => {
      ran += 1;
    },
  });
  const auth = (presented: string) => (presented === "late" ? token.promise : "alice");
  const { runtime, clock, store } = hosting({ agents: [slow], auth });
  const [viewer, late] = [new Viewer(runtime), new Viewer(runtime)];
  await viewer.hello();
  viewer.send("job.submit", { agent: "slow" });
  void late.hello([], "late");
  await settled();
  const closing = runtime.close();
  await settled();
  clock.advance(5000);
  await closing;
  let inserted = 0;
  store.jobs.insert = async () => {
    inserted += 1;
  };
  token.resolve("alice");
  input.resolve();
  await settled();
  clock.advance(5000);
  expect([ran, inserted, clock.pending]).toEqual([0, 0, 0]);
});
