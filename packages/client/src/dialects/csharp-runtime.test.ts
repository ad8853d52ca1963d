import { beforeEach, expect, test } from "vitest";
import { csharp, ForeignRuntime, phases, problem } from "../../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect } from "../../test/scripted-runtime.ts";

let runtime: ForeignRuntime;
beforeEach(() => {
  runtime = new ForeignRuntime(csharp);
});
expectNoUnhandledRejections();

test("R-6.2-3: only features that were also offered are agreed on, though it lists all that it knows", async () => {
  const { client } = await runtime.greeted({ features: ["subscribe"] });
  expect(client.session.features).toEqual(["subscribe"]);
  await expect(client.jobs().next()).rejects.toMatchObject({ code: "MISUSE" });
  expect(client.agents()).toMatchObject([{ name: "echo", versions: [] }]);
});

test("rejections: a submit while jobs run is accepted with a fresh id and fails at once", async () => {
  const { client, wire, job } = await runtime.running();
  const submitting = client.submit("nobody", 1);
  await wire.next("job.submit");
  wire.accept("job_fresh");
  wire.jobError("AGENT_NOT_AVAILABLE", { job_id: "job_fresh" }, { detail: "no handler" });
  const rejected = await submitting;
  await expect(rejected.result()).rejects.toMatchObject({
    code: "AGENT_NOT_AVAILABLE",
    details: { detail: "no handler" },
  });
  wire.result(1, "job_1");
  expect(await job.result()).toBe("job_1");
});

test("rejections: a session.error that names it, or nothing, while no job runs", async () => {
  const { client, wire } = await runtime.greeted();
  for (const names of [true, false]) {
    const submitting = client.submit("nobody", 1);
    const { id } = await wire.next("job.submit");
    const error = { ...problem("AGENT_NOT_AVAILABLE"), retryable: true, detail: "no handler" };
    wire.say("session.error", { ...error, ...(names && { request_id: id }) });
    await expect(submitting).rejects.toMatchObject({
      code: "AGENT_NOT_AVAILABLE",
      retryable: true,
      details: { detail: "no handler" },
    });
  }
});

test("rejections: a listing while jobs run is an empty page, and a cancel gets no answer", async () => {
  const { client, wire, job } = await runtime.running();
  const listing = collect(client.jobs());
  await wire.next("session.list_jobs");
  wire.say("session.jobs", { jobs: [] });
  expect(await listing).toEqual([]);
  const cancelling = job.cancel();
  await wire.next("job.cancel");
  runtime.clock.advance(30_000);
  await expect(cancelling).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
});

test("R-D-1: job.subscribed has timedout, and the current budget", async () => {
  const { client, wire } = await runtime.greeted();
  const opening = client.subscribe("job_9", { history: true });
  await wire.next("job.subscribe");
  wire.say("job.subscribed", {
    job_id: "job_9",
    agent: "echo",
    current_status: "timedout",
    lease: { "cost.budget": ["EUR:1"] },
    budget: { EUR: 0.5 },
    parent_job_id: null,
  });
  const job = await opening;
  expect(job.subscribed.current_status).toBe("timed_out");
  wire.event(1, "job_9", "one");
  const end = { final_status: "timed_out" };
  wire.jobError("TIMEOUT", { job_id: "job_9", event_seq: 2 }, end);
  expect(await job.outcome()).toMatchObject({ status: "timed_out", error: { code: "TIMEOUT" } });
  expect(phases(await collect(job.events))).toEqual(["one"]);
});

test("R-D-1: a rotation uses longer names", async () => {
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
  const body = { phase: "credential_rotated", credential_id: "c", credential_value: "new" };
  wire.say("job.event", { kind: "status", body }, { job_id: "job_1", event_seq: 1 });
  await wire.barrier();
  expect(job.credentials.get("c")?.value).toBe("new");
});

test("R-6.3-3: it does not know a nested resume, and accepts session.resume on the session that it opened", async () => {
  const { client, wire, job } = await runtime.running();
  wire.sever();
  const second = await runtime.again(client);
  await second.next("session.hello");
  second.welcome("rt_other", "sess_2");
  await second.next("session.resume");
  second.welcome("rt_2");
  second.result(1, "job_1");
  expect(await job.result()).toBe("job_1");
});

test("R-D-1: a session that the runtime leaves with bye is resumed", async () => {
  const { client, wire, job } = await runtime.running();
  wire.say("session.bye", { reason: "shutdown" });
  const second = await runtime.again(client);
  await second.next("session.hello");
  second.welcome("rt_2");
  second.result(1, "job_1");
  expect(await job.result()).toBe("job_1");
});
