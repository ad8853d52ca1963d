import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { type Frame, Viewer } from "../test/viewer.ts";

const PING = { nonce: "late", sent_at: new Date(0).toISOString() };

const answered = ({ frames }: Viewer): unknown[] =>
  frames.flatMap(({ payload }) => payload.request_id ?? []);

/** A client whose requests wait for the store. */
async function waiting() {
  const rig = hosting();
  const viewer = new Viewer(rig.runtime);
  const welcome: Frame = await viewer.hello();
  rig.store.held.jobs.hold();
  const submit = viewer.send("job.submit", { agent: "led" });
  const malformed = viewer.send("job.submit", { agent: 1 });
  await settled();
  expect(answered(viewer)).toEqual([]);
  return { ...rig, viewer, welcome, asked: [submit, malformed] };
}

test("R-5.4-4, R-6.7-1: what was asked before a close is answered before it, and what follows is ignored (R-6.7-5)", async () => {
  const { viewer, store, asked } = await waiting();
  const close = viewer.send("session.close", { reason: "done" });
  viewer.send("session.ping", PING);
  await settled();
  expect(viewer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  await store.held.jobs.open();
  expect(await viewer.ended).toBe("closed");
  expect(answered(viewer)).toEqual([...asked, close]);
  expect(viewer.frames.at(-1)).toMatchObject({
    type: "session.closed",
    payload: { request_id: close, reason: "done" },
  });
  expect(viewer.frames.map(({ type }) => type)).not.toContain("session.pong");
});

test("R-5.4-4, R-6.7-4: what was asked before a goodbye is answered, and the goodbye is not", async () => {
  const { viewer, store, asked } = await waiting();
  viewer.send("session.bye", {});
  await store.held.jobs.open();
  expect(await viewer.ended).toBe("closed");
  expect(answered(viewer)).toEqual(asked);
});

test("R-6.7-1: what does not come to an answer holds up a close by half a second at most", async () => {
  const { viewer, clock } = await waiting();
  const close = viewer.send("session.close", {});
  await settled();
  clock.advance(499);
  await settled();
  expect(answered(viewer)).toEqual([]);
  clock.advance(1);
  expect(await viewer.ended).toBe("closed");
  expect(answered(viewer)).toEqual([close]);
});

test("R-6.3-15: a session that is resumed while its client leaves does not end with that connection", async () => {
  const { runtime, viewer, welcome, store, clock } = await waiting();
  viewer.send("session.close", {});
  await settled();
  const second = new Viewer(runtime);
  await second.resume(welcome, 0);
  expect(await viewer.ended).toMatchObject({ reason: "refused" });
  await store.held.jobs.open();
  clock.advance(1_000);
  await settled();
  second.send("session.ping", PING);
  await second.find(({ type }) => type === "session.pong");
  expect(second.frames.map(({ type }) => type)).not.toContain("session.closed");
});

/** A client that asks for a list which the store holds back, and another one that asks for nothing. */
async function listing() {
  const rig = hosting();
  const [viewer, other] = [new Viewer(rig.runtime), new Viewer(rig.runtime)];
  await viewer.hello(["list_jobs"]);
  await other.hello();
  const list = Promise.withResolvers<[]>();
  rig.store.jobs.list = () => list.promise;
  const asked = viewer.send("session.list_jobs", {});
  await settled();
  return { ...rig, viewer, other, asked, answer: () => list.resolve([]) };
}

test("R-5.4-4, R-6.7-6: what was asked before the runtime closes is answered, and then its client is told", async () => {
  const { runtime, viewer, other, answer, asked } = await listing();
  const closing = runtime.close();
  expect(await other.ended).toMatchObject({ reason: "going-away" });
  expect(viewer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  answer();
  await closing;
  expect(answered(viewer)).toEqual([asked]);
  expect(viewer.frames.at(-1)?.type).toBe("session.closed");
  expect(await viewer.ended).toMatchObject({ reason: "going-away" });
});

test("R-6.7-6: what does not come to an answer holds up a runtime that closes by half a second at most", async () => {
  const { runtime, viewer, other, clock } = await listing();
  void runtime.close();
  await other.ended;
  clock.advance(499);
  await settled();
  expect(viewer.frames.map(({ type }) => type)).toEqual(["session.welcome"]);
  clock.advance(1);
  expect(await viewer.ended).toMatchObject({ reason: "going-away" });
  expect(viewer.frames.map(({ type }) => type)).toEqual(["session.welcome", "session.closed"]);
});

test("a client that leaves while its runtime closes is said goodbye to once", async () => {
  const { runtime, viewer, other, answer, asked } = await listing();
  const closing = runtime.close();
  await other.ended;
  const close = viewer.send("session.close", {});
  await settled();
  answer();
  await closing;
  expect(answered(viewer)).toEqual([asked, close]);
  expect(viewer.frames.filter(({ type }) => type === "session.closed")).toHaveLength(1);
});
