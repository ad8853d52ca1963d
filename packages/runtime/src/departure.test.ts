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

test("R-5.4-4, R-6.7-1: requests before a close are answered before it, and what follows is ignored (R-6.7-5)", async () => {
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

test("R-5.4-4, R-6.7-4: requests before a goodbye are answered, and the goodbye is not", async () => {
  const { viewer, store, asked } = await waiting();
  viewer.send("session.bye", {});
  await store.held.jobs.open();
  expect(await viewer.ended).toBe("closed");
  expect(answered(viewer)).toEqual(asked);
});

test("R-6.7-1: a request without an answer delays a close by at most half a second", async () => {
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

test("R-6.3-15: a session that is resumed while its client leaves does not end with the old connection", async () => {
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

/** A client whose list request the store holds back, and another one that asks for nothing. */
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

test("R-5.4-4, R-6.7-6: requests before the runtime closes are answered, and then their client is told", async () => {
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

test("R-6.7-6: a request without an answer delays a closing runtime by at most half a second", async () => {
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

test("a client that leaves while its runtime closes gets one goodbye", async () => {
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
