import { formatTimestamp } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";

const FEATURES = [...ALL_FEATURES, "lease_expires_at"];
const lease_request = { "tool.call": ["*"] };

async function expiring(ms: number, options: Parameters<typeof hosting>[0] = {}) {
  const host = hosting({ tools: { echo: (args: unknown) => args }, ...options });
  const viewer = new Viewer(host.runtime);
  await viewer.hello(FEATURES);
  const expires_at = formatTimestamp(host.clock.now() + ms);
  const job = await host.start(viewer, { lease_request, lease_constraints: { expires_at } });
  return { ...host, viewer, job, expires_at };
}

test("R-9.5-1: an expiry that is past, not in UTC, or not a time is refused; one in the future is reported", async () => {
  const { runtime, clock, viewer, job, expires_at } = await expiring(60_000);
  for (const [text, problem] of [
    [formatTimestamp(clock.now()), "has passed"],
    [formatTimestamp(clock.now() - 1), "has passed"],
    ["2999-01-01T00:00:00+02:00", "must be in UTC"],
    ["2999-01-01T00:00:00+00:00", "must be in UTC"],
    ["2999-01-01T00:00:00z", "must be in UTC"],
    ["2999-01-01 00:00:00Z", "must be in UTC"],
    ["2999-02-30T00:00:00Z", "lease_constraints"],
    ["2999-01-01", "lease_constraints"],
    [32503680000, "lease_constraints"],
  ] as const) {
    const { type, payload } = await viewer.submit("led", null, {
      lease_constraints: { expires_at: text },
    });
    expect([type, payload.code]).toEqual(["session.error", "INVALID_REQUEST"]);
    expect(payload.message).toContain(problem);
    expect(payload.message).toContain("expires_at");
  }
  const accepted = viewer.frames.find(({ type }) => type === "job.accepted");
  expect(accepted?.payload.lease_constraints).toEqual({ expires_at });
  const other = new Viewer(runtime);
  await other.hello(FEATURES);
  const subscribed = await other.reply(other.send("job.subscribe", {}, { job_id: job.id }));
  expect(subscribed.payload.lease_constraints).toEqual({ expires_at });
});

test("R-9.5-3, R-7.3-4: at the exact instant the agent is told and the job ends, even one that requests nothing", async () => {
  const { clock, viewer, job } = await expiring(60_000);
  clock.advance(59_999);
  await settled();
  expect(job.ctx.signal.aborted).toBe(false);
  await job.ctx.tools.call("echo", 1);
  clock.advance(1);
  expect(job.ctx.signal.aborted).toBe(true);
  job.end("too late");
  const { payload } = await viewer.terminal(job.id);
  expect(payload).toMatchObject({
    final_status: "error",
    code: "LEASE_EXPIRED",
    retryable: false,
    message: "the lease expired at 2026-01-01T00:01:00.000Z",
  });
  await settled();
  // The job's retention, and the watch for idle connections.
  expect(clock.pending).toBe(2);
});

test("R-7.3-7: an expiry centuries ahead does not fire early", async () => {
  const { clock, job } = await expiring(250 * 365 * 86_400_000);
  clock.advance(2 ** 31);
  clock.advance(2 ** 33);
  await settled();
  expect(job.ctx.signal.aborted).toBe(false);
  expect(() => job.ctx.authorize("tool.call", "echo")).not.toThrow();
});

test("R-9.5-5: setting the wall clock back extends nothing, and setting it forward is noticed within a minute", async () => {
  const back = await expiring(600_000);
  back.clock.jump(-3_600_000);
  back.clock.advance(600_000);
  expect(back.job.ctx.signal.aborted).toBe(true);

  const forward = await expiring(600_000);
  forward.clock.jump(600_000);
  expect(() => forward.job.ctx.authorize("tool.call", "echo")).toThrow("the lease expired");
  const idle = await expiring(600_000);
  idle.clock.jump(600_000);
  idle.clock.advance(60_000);
  expect(idle.job.ctx.signal.aborted).toBe(true);
});

test("R-9.5-4, R-9.3-3: with endJobsAtExpiry off, a job runs until its first operation; its refusal is shown and ends it", async () => {
  const { clock, viewer, job } = await expiring(60_000, { endJobsAtExpiry: false });
  clock.advance(120_000);
  await job.ctx.log.info("still thinking");
  expect(job.ctx.signal.aborted).toBe(false);
  await expect(job.ctx.tools.call("echo", 1)).rejects.toMatchObject({ code: "LEASE_EXPIRED" });
  job.end("a result all the same");
  expect((await viewer.terminal(job.id)).payload.code).toBe("LEASE_EXPIRED");
  const kinds = viewer.stream.map(({ payload }) => payload.kind ?? payload.code);
  expect(kinds).toEqual(["status", "log", "tool_call", "tool_result", "LEASE_EXPIRED"]);
});

test("R-9.5-2: a lease that expires between a tool call and its record keeps the tool from running", async () => {
  let ran = 0;
  const { clock, store, viewer, job } = await expiring(60_000, { tools: { count: () => ++ran } });
  await settled();
  store.held.logs.hold();
  const call = job.ctx.tools.call("count");
  await settled();
  clock.advance(60_000);
  await store.held.logs.open();
  await expect(call).rejects.toBeDefined();
  expect(ran).toBe(0);
  expect((await viewer.terminal(job.id)).payload.code).toBe("LEASE_EXPIRED");
});

test("R-7.4-2: an expiry during the grace of a cancel only ends the grace", async () => {
  const { clock, viewer, job } = await expiring(10_000);
  await viewer.reply(viewer.send("job.cancel", { reason: "enough" }, { job_id: job.id }));
  clock.advance(10_000);
  expect((await viewer.terminal(job.id)).payload).toMatchObject({
    code: "CANCELLED",
    message: "enough",
  });
});

test("R-9.5-2: a lease that expires while no process runs allows nothing in the next one", async () => {
  const { start, submit, clock, runs } = hosts({ led: { attempts: 3 } });
  const before = new Viewer(start());
  const welcome = await before.hello(FEATURES);
  const expires_at = formatTimestamp(clock.now() + 60_000);
  const job = await submit(before, { lease_constraints: { expires_at } });
  await settled();
  clock.advance(60_000);
  await settled();
  const after = new Viewer(start());
  await after.resume(welcome, 0);
  expect((await after.terminal(job.id)).payload.code).toBe("LEASE_EXPIRED");
  expect(runs()).toBe(1);
});

test("R-9.5-3: a job whose lease expires while the job is being stored leaves no timer behind", async () => {
  const { clock, store, runtime } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello(FEATURES);
  store.held.jobs.hold();
  const submit = viewer.send("job.submit", {
    agent: "led",
    lease_constraints: { expires_at: formatTimestamp(clock.now() + 1) },
    max_runtime_sec: 31_536_000,
  });
  await settled();
  clock.advance(1);
  await store.held.jobs.open();
  const { job_id } = await viewer.reply(submit);
  expect((await viewer.terminal(job_id)).payload.code).toBe("LEASE_EXPIRED");
  await settled();
  // The job's retention, and the watch for idle connections.
  expect(clock.pending).toBe(2);
});
