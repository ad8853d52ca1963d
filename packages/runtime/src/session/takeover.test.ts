import { FrameQueue, newMessageId, newSessionId } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { heldStore, settled } from "../../test/held-store.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import type { AgentContext } from "../agents/context.ts";
import { tokenTable } from "../auth.ts";
import { createRuntime } from "../runtime.ts";
import { memoryStore } from "../store/memory-store.ts";

async function hosting() {
  const store = heldStore();
  const context = Promise.withResolvers<AgentContext>();
  const agent = defineAgent({
    name: "led",
    run(ctx) {
      context.resolve(ctx);
      return new Promise(() => {});
    },
  });
  const runtime = createRuntime({ agents: [agent], auth: tokenTable({ secret: "alice" }), store });
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  await viewer.submit("led");
  const ctx = await context.promise;
  await settled();
  return { store, runtime, viewer, welcome, ctx };
}

const dense = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);

test("P5: a commit of an older epoch fails and changes nothing", async () => {
  const { sessions } = memoryStore();
  const id = newSessionId();
  await sessions.insert({
    id,
    principal: "alice",
    features: [],
    epoch: 1,
    tokens: ["a"],
    acked: 0,
  });
  const run = { from: 1, job: "job_1" as never, jobFrom: 1, role: "owner" } as const;
  expect(await sessions.commit(id, 1, { runs: [run] })).toBe("committed");
  expect(await sessions.claim(id, 1, ["a", "b"])).toBe("committed");
  expect(await sessions.claim(id, 1, ["a", "c"])).toBe("fenced");
  expect(await sessions.commit(id, 1, { runs: [{ ...run, jobFrom: 7 }], tokens: [] })).toBe(
    "fenced",
  );
  expect(await sessions.runs(id)).toEqual([run]);
  expect(await sessions.findByToken("b")).toBe(id);
  expect((await sessions.get(id))?.epoch).toBe(2);
  expect(await sessions.findByToken("c")).toBeUndefined();
});

test("P5: a resume over a live connection silences the old one before its own welcome, and closes it", async () => {
  const { runtime, viewer, welcome, ctx } = await hosting();
  const writes: string[] = [];
  viewer.sever();
  const old = new Viewer(runtime, { tap: () => writes.push("old") });
  const oldWelcome = await old.resume(welcome, 1);
  let flooding = true;
  const flood = (async () => {
    for (let i = 0; flooding; i++) await ctx.log.info(`${i}`);
  })();
  await old.find(({ event_seq = 0 }) => event_seq > 500);
  const next = new Viewer(runtime, { tap: () => writes.push("next") });
  const again = await next.resume(oldWelcome, 100);
  expect(again.type).toBe("session.welcome");
  await next.find(({ event_seq = 0 }) => event_seq > 2000);
  expect(await old.ended).toMatchObject({ reason: "refused" });
  flooding = false;
  await flood;
  await settled();
  expect(writes.slice(writes.indexOf("next"))).not.toContain("old");
  expect(writes).toContain("old");
  expect(next.frames[0]).toBe(again);
  expect(next.seqs).toEqual(dense(next.stream.length, 101));
});

test("P5: what the old connection still sends has no effect", async () => {
  const { runtime, viewer, welcome, ctx } = await hosting();
  viewer.sever();
  // A transport that goes on delivering after it was closed.
  const inbound = new FrameQueue();
  const closed = Promise.withResolvers<string | undefined>();
  const sent: string[] = [];
  runtime.serve({
    frames: inbound,
    send: async (frames) => void sent.push(...frames),
    close: (reason) => closed.resolve(reason),
  });
  const frame = (type: string, payload: object) =>
    inbound.push(JSON.stringify({ arcp: "1.1", id: newMessageId("req_"), type, payload }));
  const auth = { scheme: "bearer", token: "secret" };
  frame("session.resume", { auth, resume_token: welcome.payload.resume_token, last_event_seq: 1 });
  await settled();
  const second = JSON.parse(sent[0] ?? "") as Frame;
  const next = new Viewer(runtime);
  await next.resume(second, 1);
  expect(await closed.promise).toBe("refused");
  frame("job.cancel", { job_id: ctx.job.id });
  await ctx.log.info("to the new one");
  await settled();
  expect(ctx.signal.aborted).toBe(false);
  expect(sent).toHaveLength(1);
  expect(next.seqs).toEqual([2]);
});

test("P5: a takeover while the old projector waits for its commit sends every record once", async () => {
  const { store, runtime, viewer, welcome, ctx } = await hosting();
  await viewer.submit("led");
  await settled();
  const before = viewer.stream.length;
  store.held.sessions.hold();
  await ctx.log.info("a");
  await ctx.flush();
  await settled();
  const next = new Viewer(runtime);
  const resumed = next.resume(welcome, before);
  await settled();
  // The claim has passed: the old one's commit is released too late.
  await store.held.sessions.open();
  await resumed;
  await ctx.log.info("b");
  await settled();
  expect(viewer.stream).toHaveLength(before);
  expect(next.seqs).toEqual(dense(2, before + 1));
  expect(next.stream.map(({ payload }) => payload.body.message)).toEqual(["a", "b"]);
});

test("P5: of racing resumes exactly one gets the session, and its stream is complete", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 6 }), { minLength: 2, maxLength: 6 }),
      async (delays) => {
        const { runtime, welcome, ctx } = await hosting();
        for (let i = 0; i < 20; i++) await ctx.log.info(`${i}`);
        const racers: Viewer[] = [];
        const answers: Array<Promise<Frame>> = [];
        for (const delay of delays) {
          const racer = new Viewer(runtime);
          racers.push(racer);
          answers.push(
            Promise.race([
              racer.resume(welcome, 0),
              racer.ended.then(() => ({ type: "replaced", id: "", payload: {} })),
            ]),
          );
          for (let i = 0; i < delay; i++) await Promise.resolve();
        }
        await Promise.all(answers);
        await ctx.log.info("after the race");
        await settled();
        const whole = racers.filter(
          ({ stream }) => stream.at(-1)?.payload.body.message === "after the race",
        );
        expect(whole).toHaveLength(1);
        expect(whole[0]?.seqs).toEqual(dense(22));
        await runtime.close();
      },
    ),
    { numRuns: 100 },
  );
});

/** How many of these connections a session still sends on. */
const bound = (racers: readonly Viewer[], last: string) =>
  racers.filter(({ stream }) => stream.at(-1)?.payload.body.message === last);

test("P5: two resumes that wait for the same old projector leave one connection, the later one", async () => {
  const { store, runtime, viewer, welcome, ctx } = await hosting();
  await viewer.submit("led");
  await settled();
  const before = viewer.stream.length;
  store.held.sessions.hold();
  await ctx.log.info("stuck in its commit");
  await ctx.flush();
  await settled();
  const racers = [new Viewer(runtime), new Viewer(runtime)];
  for (const racer of racers) {
    void racer.resume(welcome, before);
    await settled();
  }
  await store.held.sessions.open();
  await ctx.log.info("last");
  await settled();
  expect(bound(racers, "last")).toEqual([racers[1]]);
  expect(racers[1]?.seqs).toEqual(dense(2, before + 1));
  expect(racers[0]?.stream).toEqual([]);
  expect(await racers[0]?.ended).toMatchObject({ reason: "refused" });
});

test("P5: resumes whose claims wait for the store take turns; none is told that its window has ended", async () => {
  const { store, runtime, welcome, ctx } = await hosting();
  store.held.claims.hold();
  const racers = [new Viewer(runtime), new Viewer(runtime), new Viewer(runtime)];
  for (const racer of racers) void racer.resume(welcome, 1);
  await settled();
  await store.held.claims.open();
  await ctx.log.info("last");
  await settled();
  expect(bound(racers, "last")).toEqual([racers[2]]);
  const errors = racers.flatMap(({ frames }) =>
    frames.filter(({ type }) => type === "session.error"),
  );
  expect(errors).toEqual([]);
});
