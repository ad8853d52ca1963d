import { beforeEach, expect, test } from "vitest";
import {
  ForeignRuntime,
  type ForeignWire,
  java,
  phases,
  problem,
} from "../../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect } from "../../test/scripted-runtime.ts";

let runtime: ForeignRuntime;
beforeEach(() => {
  runtime = new ForeignRuntime(java);
});
expectNoUnhandledRejections();

/** A rejection as Java clients understand it, and then as in the draft. */
function reject(wire: ForeignWire, id: string, code: string, header: object = {}): void {
  wire.jobError(code, { id, session_id: "sess_1", ...header });
  wire.say("session.error", { ...problem(code), request_id: id });
}

test("R-5.4-6, R-D-8: a pair rejects each kind of request, and nothing else", async () => {
  const { client, wire, job } = await runtime.running();
  const submitting = client.submit("nobody", 1);
  const listing = client.jobs().next();
  const subscribing = client.subscribe("job_9");
  const cancelling = job.cancel();
  const ids = {
    submit: (await wire.next("job.submit")).id,
    list: (await wire.next("session.list_jobs")).id,
    subscribe: (await wire.next("job.subscribe")).id,
    cancel: (await wire.next("job.cancel")).id,
  };
  // The target of the last is a live job of the session, and so is not named.
  reject(wire, ids.cancel, "INVALID_REQUEST");
  await expect(cancelling).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  reject(wire, ids.subscribe, "JOB_NOT_FOUND", { job_id: "job_9" });
  await expect(subscribing).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  reject(wire, ids.list, "INVALID_REQUEST");
  await expect(listing).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  await wire.barrier();
  reject(wire, ids.submit, "AGENT_NOT_AVAILABLE");
  await expect(submitting).rejects.toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
  wire.result(1, "job_1");
  expect(await job.result()).toBe("job_1");
});

test("R-5.4-3: a pair for a request that is no longer pending is dropped", async () => {
  const { client, wire } = await runtime.running();
  const first = client.submit("echo", 1);
  const { id } = await wire.next("job.submit");
  runtime.clock.advance(30_000);
  await expect(first).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
  const second = client.submit("echo", 2);
  await wire.next("job.submit");
  reject(wire, id, "AGENT_NOT_AVAILABLE");
  await wire.barrier();
  wire.accept("job_2");
  expect((await second).id).toBe("job_2");
});

test("a rejection that names a job does not end the handle that watches that job", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.job("job_9");
  await wire.next("job.subscribe");
  wire.say("job.subscribed", { job_id: "job_9", agent: "echo", current_status: "running" });
  const job = await opening;
  const cancelling = job.cancel();
  const { id } = await wire.next("job.cancel");
  reject(wire, id, "PERMISSION_DENIED", { job_id: "job_9" });
  await expect(cancelling).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  wire.result(1, "job_9");
  expect(await job.result()).toBe("job_9");
});

test("rejections: an opening is refused by a pair too, and the connection closed", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.wire();
  const { id } = await wire.next("session.hello");
  reject(wire, id, "UNAUTHENTICATED");
  wire.connection.pair.runtime.close("refused");
  await expect(connecting).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("R-D-1: a numbered job.cancelled counts in the stream, before the end of the job", async () => {
  const { wire, job } = await runtime.running();
  wire.event(1, "job_1", "one");
  const cancelling = job.cancel("enough");
  await wire.next("job.cancel");
  wire.say("job.cancelled", { job_id: "job_1" }, { job_id: "job_1", event_seq: 2 });
  await cancelling;
  wire.event(3, "job_1", "tidying");
  const end = { final_status: "cancelled" };
  wire.jobError("CANCELLED", { job_id: "job_1", event_seq: 4 }, end);
  expect(await job.outcome()).toMatchObject({ status: "cancelled" });
  expect(phases(await collect(job.events))).toEqual(["one", "tidying"]);
});

test("R-D-1: it cancels jobs on a close, so the client drops the socket without a goodbye", async () => {
  const { client, wire, job } = await runtime.running();
  await client.close("done");
  await wire.connection.closed();
  await expect(job.result()).rejects.toMatchObject({ code: "CLOSED" });
  expect(client.state.kind).toBe("closed");
  expect(runtime.clock.pending).toBe(0);
  expect(runtime.dialled).toBe(1);
});

test("R-D-1: such a drop does not look like an orderly end", async () => {
  const { client, wire } = await runtime.greeted();
  await client.close();
  const frames = wire.connection.pair.runtime.frames[Symbol.asyncIterator]();
  await expect(frames.next()).rejects.toMatchObject({ reason: "going-away" });
});

test("R-D-1: a rotation has its fields in details", async () => {
  const { client, wire } = await runtime.greeted();
  const submitting = client.submit("echo", 1);
  await wire.next("job.submit");
  const credential = { id: "c", scheme: "bearer", value: "v", endpoint: "https://x" };
  wire.say(
    "job.accepted",
    { job_id: "job_1", agent: "echo", lease: {}, credentials: [credential] },
    { job_id: "job_1" },
  );
  const job = await submitting;
  const body = { phase: "credential_rotated", details: { id: "c", value: "new" } };
  wire.say("job.event", { kind: "status", body }, { job_id: "job_1", event_seq: 1 });
  await wire.barrier();
  expect(job.credentials.get("c")?.value).toBe("new");
});
