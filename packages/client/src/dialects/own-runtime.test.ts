import { newTraceId, REQUEST_ID_FEATURE } from "@arcp/core";
import { beforeEach, expect, test } from "vitest";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import {
  accepted,
  frame,
  reached,
  result,
  ScriptedRuntime,
  sessionError,
} from "../../test/scripted-runtime.ts";

/** Our own runtime names every request, and nothing is delayed or guessed. */
let runtime: ScriptedRuntime;
beforeEach(() => {
  runtime = new ScriptedRuntime();
});
expectNoUnhandledRejections();

test("R-D-6: the mark is offered beside any other features", async () => {
  const connecting = runtime.connect({ features: ["subscribe"] });
  const wire = await runtime.accept();
  const { payload } = await wire.next("session.hello");
  expect(payload.capabilities?.features).toEqual(["subscribe", REQUEST_ID_FEATURE]);
  wire.welcome();
  expect((await connecting).session.features).toEqual(["subscribe", REQUEST_ID_FEATURE]);
});

test("R-D-7: with it, submits go out at once and leave the trace to the runtime", async () => {
  const { client, wire } = await runtime.online();
  const submitting = Array.from({ length: 20 }, (_, n) => client.submit("echo", n));
  const submits = [];
  for (let n = 0; n < 20; n++) submits.push(await wire.next("job.submit"));
  for (const submit of submits) expect(submit).not.toHaveProperty("trace_id");
  for (const [n, submit] of [...submits.entries()].reverse())
    wire.send(accepted(submit, `job_${n}`));
  const jobs = await Promise.all(submitting);
  expect(jobs.map(({ id }) => id)).toEqual(jobs.map((_, n) => `job_${n}`));
});

test("R-D-9, R-D-8: errors that name no request reject none, and the error of an unknown job is no rejection", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo", 1);
  const submit = await wire.next("job.submit");
  wire.send(sessionError("AGENT_NOT_AVAILABLE"));
  const failure = {
    final_status: "error",
    code: "TIMEOUT",
    message: "m",
    retryable: true,
  } as const;
  const trace_id = newTraceId();
  const error = frame("job.error", failure, { job: "job_x", seq: 1 });
  wire.send(JSON.stringify({ ...JSON.parse(error), trace_id }));
  await wire.barrier();
  wire.send(accepted(submit), result(2, "on"));
  expect(await (await submitting).result()).toBe("on");
});

test("R-D-8: a key that was used for another request ends no job, not even the one that has it", async () => {
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo", 1);
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const failure = { final_status: "error", code: "DUPLICATE_KEY" } as const;
  const refused = { ...failure, message: "other parameters", retryable: false };
  wire.send(frame("job.error", refused, { job: job.id }));
  wire.send(frame("job.error", refused, { job: job.id, seq: 1 }));
  wire.send(result(2, "on", job.id, 1));
  expect(await job.result()).toBe("on");
});

test("R-6.7-7: a close without an answer ends after a second, and says nothing more", async () => {
  const { client, wire } = await runtime.online();
  const closing = client.close();
  await wire.next("session.close");
  runtime.clock.advance(1_000);
  await wire.closed();
  await closing;
});

test("R-8.3-4: a missing number is a gap at once", async () => {
  const { client, wire } = await runtime.online();
  wire.send(result(2, "x"));
  const { resume } = await runtime.resumed(client, "rt_2");
  expect(resume.type).toBe("session.resume");
});

test("R-6.1-6: a client that is refused for too many failed logins reconnects, as its runtime allows", async () => {
  const { client, wire } = await runtime.online();
  wire.pair.sever();
  await runtime.pass(client);
  const second = await runtime.accept();
  await second.next("session.resume");
  const refusal = { code: "UNAUTHENTICATED", message: "too many", retryable: true } as const;
  second.send(frame("session.error", refusal));
  second.pair.runtime.close("refused");
  const state = await reached(client, "retrying");
  expect(state.error).toMatchObject(refusal);
  const { resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload).toMatchObject({ resume_token: "rt_1" });
  await reached(client, "online");
});

test("R-6.1-2: a token that is refused at a resume is refused for good", async () => {
  const { client, wire } = await runtime.online();
  wire.pair.sever();
  await runtime.pass(client);
  const second = await runtime.accept();
  await second.next("session.resume");
  second.send(sessionError("UNAUTHENTICATED"));
  for await (const state of client.states) {
    if (state.kind === "closed") expect(state.error).toMatchObject({ code: "UNAUTHENTICATED" });
  }
});
