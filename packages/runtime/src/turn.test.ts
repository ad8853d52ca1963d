import { linkedPair, newJobId, newMessageId, systemClock } from "@arcp/core";
import { expect, test } from "vitest";
import { heldStore, settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { hosts } from "../test/hosts.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { AgentContext } from "./agents/context.ts";
import { tokenTable } from "./auth.ts";
import { createRuntime } from "./runtime.ts";
import { DEFAULT_TURN_LIMITS, Turn } from "./turn.ts";

const never = (): void => {};

test("J4: a turn ends after its records, and everyone shares the promise of the next one", async () => {
  const turn = new Turn(systemClock, { records: 10, ms: 1000 }, never);
  for (let i = 0; i < 9; i++) expect(turn.spend("writing", 1)).toBeUndefined();
  const next = turn.spend("writing", 1);
  expect(next).toBeInstanceOf(Promise);
  expect(turn.spend("writing", 1)).toBe(next);
  await next;
  expect(turn.spend("writing", 1)).toBeUndefined();
});

test("J4: a turn ends after its time, however few its records", async () => {
  let now = 0;
  const clock = { ...systemClock, monotonic: () => now };
  const turn = new Turn(clock, { records: 1_000_000, ms: 5 }, never);
  for (let i = 0; i < 64; i++) expect(turn.spend("writing", 1)).toBeUndefined();
  now = 6;
  const spent = Array.from({ length: 64 }, () => turn.spend("writing", 1));
  expect(spent.at(-1)).toBeInstanceOf(Promise);
  await spent.at(-1);
  expect(turn.spend("writing", 1)).toBeUndefined();
});

test("J4: the end of a turn is called once per turn in which something was spent, and never when idle", async () => {
  let ends = 0;
  const turn = new Turn(systemClock, DEFAULT_TURN_LIMITS, () => {
    ends += 1;
  });
  await settled(5);
  expect(ends).toBe(0);
  void turn.spend("writing", 1);
  void turn.spend("writing", 1);
  await settled(5);
  expect(ends).toBe(1);
});

test("a turn closes after its end and everything that its end triggers, even if nothing was spent", async () => {
  let handedOver = 0;
  const turn: Turn = new Turn(systemClock, DEFAULT_TURN_LIMITS, async () => {
    for (let hop = 0; hop < 50; hop++) await undefined;
    handedOver += 1;
    // What is spent from here on belongs to the next turn, which closes by itself.
    if (handedOver === 1) turn.arm();
  });
  const first = turn.closed();
  expect(turn.closed()).toBe(first);
  await first;
  expect(handedOver).toBe(1);
  await turn.closed();
  expect(handedOver).toBe(2);
  await turn.closed();
  expect(handedOver).toBe(3);
});

test("J4: an agent that never yields starves neither the event loop nor another job", async () => {
  const store = heldStore();
  let flooding = true;
  const flood = defineAgent({
    name: "flood",
    async run(ctx) {
      // Awaits only what append returns: resolved promises, except at the end of a turn.
      let emitted = 0;
      while (flooding) {
        await ctx.log.info(`flood ${emitted}`);
        emitted += 1;
      }
      return emitted;
    },
  });
  const quick = defineAgent({ name: "quick", run: () => "done" });
  const runtime = createRuntime({
    agents: [flood, quick],
    auth: tokenTable({ secret: "alice" }),
    store,
  });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const flooded = await viewer.submit("flood");
  await viewer.find(({ event_seq = 0 }) => event_seq > 1000);

  // In the midst of the flood: a ping, and a whole job in the same session.
  const nonce = newJobId();
  viewer.send("session.ping", { nonce, sent_at: new Date(0).toISOString() });
  await viewer.find(({ payload }) => payload.ping_nonce === nonce);
  const before = viewer.stream.length;
  const other = await viewer.submit("quick");
  await viewer.terminal(other.job_id);
  expect(viewer.stream.length - before).toBeLessThan(50 * DEFAULT_TURN_LIMITS.records);

  flooding = false;
  const { payload } = await viewer.terminal(flooded.job_id);
  expect(payload.result).toBeGreaterThan(1000);
  // No turn wrote more than its budget; the few records that end a job or answer a request come on top.
  expect(Math.max(...store.appended)).toBeLessThanOrEqual(DEFAULT_TURN_LIMITS.records + 8);
  expect(viewer.seqs).toEqual(viewer.stream.map((_, i) => i + 1));
  await runtime.close();
});

test("J4: many projectors that catch up share the turn's budget, and every one of them makes progress", async () => {
  const { runtime, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  for (let i = 0; i < 2000; i++) await job.ctx.log.info(`${i}`);
  await job.ctx.flush();
  await settled();

  const sent = new Map<number, number>();
  let turn = 0;
  let counting = true;
  const count = (): void => {
    turn += 1;
    if (counting) setImmediate(count);
  };
  count();
  let arrived = 0;
  const all = Promise.withResolvers<void>();
  const VIEWERS = 30;
  const progress = new Array<number>(VIEWERS).fill(0);
  let widest = 0;
  for (let viewer = 0; viewer < VIEWERS; viewer++) {
    const { client, runtime: end } = linkedPair({ highWaterMark: 1e9 });
    runtime.serve({
      frames: end.frames,
      close: (reason) => end.close(reason),
      async send(frames) {
        sent.set(turn, (sent.get(turn) ?? 0) + frames.length);
        progress[viewer] = (progress[viewer] ?? 0) + frames.length;
        widest = Math.max(widest, Math.max(...progress) - Math.min(...progress));
        arrived += frames.length;
        if (arrived === VIEWERS * 2003) all.resolve();
      },
    });
    const say = (type: string, payload: object) =>
      client.send([JSON.stringify({ arcp: "1.1", id: newMessageId(), type, payload })]);
    await say("session.hello", {
      auth: { scheme: "bearer", token: "secret" },
      capabilities: { features: ["subscribe"] },
    });
    await say("job.subscribe", { job_id: job.id, history: true });
  }
  await all.promise;
  counting = false;
  // One batch may begin while a single record is left; welcomes and replies come on top.
  expect(Math.max(...sent.values())).toBeLessThanOrEqual(
    2 * DEFAULT_TURN_LIMITS.records + 2 * VIEWERS,
  );
  // However the race goes, nobody is far behind the others.
  expect(widest).toBeLessThan(4 * DEFAULT_TURN_LIMITS.records);
});

/** Calls it again and again. @returns whether the event loop turned meanwhile */
async function turnsBeside(call: () => Promise<unknown>): Promise<boolean> {
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  for (let i = 0; !turned && i < 10_000; i++) await call().catch(() => {});
  return turned;
}

/** What an agent may await in a loop without ever waiting for I/O or a timer. */
const calls: Readonly<Record<string, (ctx: AgentContext) => () => Promise<unknown>>> = {
  log: (ctx) => () => ctx.log.info("on and on"),
  metric: (ctx) => () => ctx.metric({ name: "cost.loop", value: 1, unit: "USD" }),
  checkpoint: (ctx) => () => ctx.checkpoint(1),
  flush: (ctx) => () => ctx.flush(),
  "result.write": (ctx) => () => ctx.result.write("on and on"),
  "tools.call": (ctx) => () => ctx.tools.call("nothing"),
  "fs.readFile": (ctx) => () => ctx.fs.readFile("/nowhere"),
  fetch: (ctx) => () => ctx.fetch("https://nowhere.test/"),
  delegate: (ctx) => () => ctx.delegate("led"),
  "a call of no tool": (ctx) => () => ctx.tools.call(""),
  "arguments that are no JSON": (ctx) => () => ctx.tools.call("nothing", { n: 1n }),
  "an input that is no JSON": (ctx) => () => ctx.delegate("led", { n: 1n }),
  "no data for a file": (ctx) => () => ctx.fs.writeFile("/nowhere", 1 as never),
  "half a character of a result": (ctx) => () => ctx.result.write("\ud800 and more"),
  settle: (ctx) => {
    const reservation = ctx.spend.reserve({ USD: "0" });
    return () => reservation.settle();
  },
  model: (ctx) => {
    const permit = ctx.model("known");
    return () => permit.call(() => undefined);
  },
};

test.each(Object.entries(calls))(
  "J4: an agent that loops on %s after its end, or where it is refused, starves nobody",
  async (_, calling) => {
    const { runtime, start } = hosting({ models: { known: { input: { USD: "1" } } } });
    const viewer = new Viewer(runtime);
    await viewer.hello([...ALL_FEATURES, "model.use"]);
    const lease_request = { "model.use": ["known"], "cost.budget": ["USD:1"] };
    const job = await start(viewer, { lease_request });
    const call = calling(job.ctx);
    await job.ctx.metric({ name: "cost.all", value: 1, unit: "USD" });
    expect(await turnsBeside(call)).toBe(true);
    job.end();
    await viewer.terminal(job.id);
    expect(await turnsBeside(call)).toBe(true);
    await runtime.close();
  },
);

test.each(Object.entries(calls))(
  "J4: an agent that loops on %s after its log is lost starves nobody",
  async (_, calling) => {
    const { runtime, store, clock, start } = hosting({
      models: { known: { input: { USD: "1" } } },
    });
    const viewer = new Viewer(runtime);
    await viewer.hello([...ALL_FEATURES, "model.use"]);
    const job = await start(viewer, { lease_request: { "model.use": ["known"] } });
    const call = calling(job.ctx);
    await settled();
    store.logs.append = () => Promise.reject(new Error("disk full"));
    void job.ctx.log.info("this is not taken");
    for (const pause of [0, 20, 100, 500, 2000]) {
      clock.advance(pause);
      await settled();
    }
    expect(job.ctx.signal.aborted).toBe(true);
    expect(await turnsBeside(call)).toBe(true);
  },
);

test.each(Object.entries(calls))(
  "J4: an agent that loops on %s when it is left to the next process starves nobody",
  async (_, calling) => {
    const rig = hosts({ led: { attempts: 2 }, models: { known: { input: { USD: "1" } } } });
    const runtime = rig.start();
    const viewer = new Viewer(runtime);
    await viewer.hello([...ALL_FEATURES, "model.use"]);
    const { ctx } = await rig.submit(viewer, { lease_request: { "model.use": ["known"] } });
    const call = calling(ctx);
    void runtime.close();
    await settled();
    expect(ctx.signal.aborted).toBe(true);
    expect(await turnsBeside(call)).toBe(true);
  },
);

/** What an agent may await in a loop without any trace. */
const silent: Readonly<Record<string, (ctx: AgentContext) => Promise<unknown>>> = {
  "no text": (ctx) => ctx.result.write(""),
  "no bytes": (ctx) => ctx.result.write(new Uint8Array(0)),
  "a reservation of which nothing was spent": (ctx) =>
    ctx.spend.reserve({ USD: "0.01" }).settle({ USD: "0" }),
  "a model that costs nothing": (ctx) =>
    ctx.model("free").call(
      () => "owl",
      () => ({ input: 1 }),
    ),
};

test.each(Object.entries(silent))(
  "J4: an agent that loops on %s starves nobody",
  async (_, call) => {
    const { runtime, start } = hosting({ models: { free: { input: {} } } });
    const viewer = new Viewer(runtime);
    await viewer.hello([...ALL_FEATURES, "model.use"]);
    const lease_request = { "model.use": ["free"], "cost.budget": ["USD:1"] };
    const { ctx } = await start(viewer, { lease_request });
    expect(await turnsBeside(() => call(ctx))).toBe(true);
    await runtime.close();
  },
);

test("J4: an agent that loops on cancelling a child that has ended starves nobody", async () => {
  const { runtime, start, begun } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { ctx } = await start(viewer, { lease_request: { "agent.delegate": ["led"] } });
  const child = await ctx.delegate("led");
  await child.cancel();
  (await begun.get(child.id)?.promise)?.end(null);
  await viewer.terminal(child.id);
  expect(await turnsBeside(() => child.cancel())).toBe(true);
  await runtime.close();
});

test("J4: an agent that loops on writing to a full result starves nobody", async () => {
  const { runtime, start } = hosting({ limits: { resultBytes: 10 } });
  const viewer = new Viewer(runtime);
  await viewer.hello(ALL_FEATURES);
  const { ctx } = await start(viewer);
  expect(await turnsBeside(() => ctx.result.write("more than ten bytes"))).toBe(true);
});
