import { ArcpError } from "@arcp/core";
import { beforeEach, describe, expect, test } from "vitest";
import { ForeignRuntime, type ForeignWire, go, phases, sdks } from "../../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect, SESSION } from "../../test/scripted-runtime.ts";

expectNoUnhandledRejections();

/** What all published runtimes have in common: their replies do not name the request. */
describe.each(sdks)("a runtime of $name", (sdk) => {
  let runtime: ForeignRuntime;
  beforeEach(() => {
    runtime = new ForeignRuntime(sdk);
  });

  test("R-D-1, R-6.2-8: says welcome in its form, takes a submit and sends its result", async () => {
    const { client, wire, job } = await runtime.running();
    expect(client.session).toMatchObject({ id: SESSION, resumeWindowSec: 600 });
    expect(client.session.features).toContain("subscribe");
    expect(client.session.features).not.toContain("x-csharp.more");
    wire.event(1, "job_1", "running");
    wire.result(2, "job_1");
    expect(await job.result()).toBe("job_1");
    expect(phases(await collect(job.events))).toEqual(["running"]);
  });

  test("R-D-7: 20 submits at once go out one by one, each with a trace of its own, and none gets another's job", async () => {
    const { client, wire } = await runtime.greeted();
    const submitting = Array.from({ length: 20 }, (_, n) => client.submit("echo", n));
    const traces = new Set<string | undefined>();
    for (let n = 0; n < 20; n++) {
      const submit = await wire.next("job.submit");
      expect(submit.payload.input).toBe(n);
      traces.add(submit.trace_id);
      // Nothing else is in flight.
      await wire.barrier();
      const trace_id = submit.trace_id;
      if (n % 3 === 0) wire.jobError("AGENT_NOT_AVAILABLE", { job_id: `job_none_${n}`, trace_id });
      else wire.accept(`job_${n}`, sdk.name === "typescript" ? { trace_id } : {});
    }
    const settled = await Promise.allSettled(submitting);
    for (const [n, outcome] of settled.entries()) {
      if (n % 3 === 0) expect(outcome).toMatchObject({ reason: { code: "AGENT_NOT_AVAILABLE" } });
      else expect(outcome).toMatchObject({ value: { id: `job_${n}` } });
    }
    expect(traces.size).toBe(20);
    for (const trace of traces) expect(trace).toMatch(/^[0-9a-f]{32}$/);
  });

  test("R-D-7: a trace from the caller is kept", async () => {
    const { client, wire } = await runtime.greeted();
    const traceId = "9f2c41d07be84a6392d5e8b1c03f7a64";
    const traceContext = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const submitting = client.submit("echo", 1, { traceContext });
    expect((await wire.next("job.submit")).trace_id).toBe(traceId);
    wire.accept("job_1", { trace_id: traceId });
    expect((await submitting).id).toBe("job_1");
  });

  test("R-5.4-7: an unanswered submit times out, and only then the next one goes out, with its own timeout", async () => {
    const { client, wire } = await runtime.greeted();
    const first = client.submit("echo", 1);
    const second = client.submit("echo", 2);
    await wire.next("job.submit");
    runtime.clock.advance(30_000);
    await expect(first).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
    expect((await wire.next("job.submit")).payload.input).toBe(2);
    runtime.clock.advance(29_999);
    wire.accept("job_2");
    expect((await second).id).toBe("job_2");
  });

  test("R-D-7: the late reply to a submit that was given up does not count as the next one's", async () => {
    const { client, wire } = await runtime.greeted();
    const first = client.submit("echo", 1);
    const { trace_id } = await wire.next("job.submit");
    runtime.clock.advance(30_000);
    await expect(first).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
    const second = client.submit("echo", 2);
    const submit = await wire.next("job.submit");
    wire.accept("job_1", { trace_id });
    wire.jobError("AGENT_NOT_AVAILABLE", { job_id: "job_x", trace_id });
    await wire.barrier();
    wire.accept("job_2", { trace_id: submit.trace_id });
    expect((await second).id).toBe("job_2");
  });

  test("R-D-7: a submit that its caller gave up keeps its turn until it is answered", async () => {
    const { client, wire } = await runtime.greeted();
    const abort = new AbortController();
    const first = client.submit("echo", 1, { signal: abort.signal });
    await wire.next("job.submit");
    abort.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    const second = client.submit("echo", 2);
    const third = client.submit("echo", 3);
    await wire.barrier();
    // Without a trace, only the order tells whose it is.
    wire.accept("job_1");
    expect((await wire.next("job.submit")).payload.input).toBe(2);
    wire.accept("job_2");
    expect((await second).id).toBe("job_2");
    await wire.next("job.submit");
    wire.accept("job_3");
    expect((await third).id).toBe("job_3");
  });

  test("R-D-7: a submit that is given up while it waits for its turn is never sent", async () => {
    const { client, wire } = await runtime.greeted();
    const first = client.submit("echo", 1);
    const abort = new AbortController();
    const second = client.submit("echo", 2, { signal: abort.signal });
    const third = client.submit("echo", 3);
    await wire.next("job.submit");
    abort.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    wire.accept("job_1");
    await first;
    expect((await wire.next("job.submit")).payload.input).toBe(3);
    wire.accept("job_3");
    expect((await third).id).toBe("job_3");
  });

  test("R-D-9: an error that names no request belongs to the only pending one, and to no job", async () => {
    const { client, wire, job } = await runtime.running();
    const submitting = client.submit("echo", 2);
    await wire.next("job.submit");
    wire.accept("job_2");
    const other = await submitting;
    const refused = client.submit("nobody", 3);
    await wire.next("job.submit");
    wire.sessionError("AGENT_NOT_AVAILABLE");
    await expect(refused).rejects.toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
    wire.result(1, "job_1");
    wire.result(2, "job_2");
    expect(await job.result()).toBe("job_1");
    expect(await other.result()).toBe("job_2");
  });

  test("R-D-9: a request that waits for its turn is not yet one that an error may belong to", async () => {
    const { client, wire } = await runtime.greeted();
    const first = client.submit("echo", 1);
    const second = client.submit("echo", 2);
    await wire.next("job.submit");
    // Fits no request: only because it is the only one, it belongs to the first.
    wire.sessionError("CANCELLED");
    await expect(first).rejects.toMatchObject({ code: "CANCELLED" });
    await wire.next("job.submit");
    wire.accept("job_2");
    expect((await second).id).toBe("job_2");
  });

  test("R-D-9: among several it belongs to the oldest that its code fits", async () => {
    const { client, wire, job } = await runtime.running();
    const submitting = client.submit("echo", 2);
    await wire.next("job.submit");
    const listing = client.jobs().next();
    const { id } = await wire.next("session.list_jobs");
    const cancelling = job.cancel();
    await wire.next("job.cancel");
    wire.sessionError("JOB_NOT_FOUND");
    await expect(cancelling).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    const opening = client.job("job_9");
    await wire.next("job.subscribe");
    wire.sessionError("INVALID_REQUEST");
    await expect(submitting).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    wire.sessionError("PERMISSION_DENIED");
    await expect(opening).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    wire.say("session.jobs", { request_id: id, jobs: [] });
    expect((await listing).done).toBe(true);
    // No request is pending: it belongs to none.
    wire.sessionError("JOB_NOT_FOUND");
    wire.result(1, "job_1");
    expect(await job.result()).toBe("job_1");
  });

  test("R-D-9: an error that fits no request belongs to the session if the connection closes after it", async () => {
    const { client, wire, job } = await runtime.running();
    wire.sessionError("UNAUTHENTICATED");
    wire.connection.pair.runtime.close("refused");
    await expect(job.result()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(client.state.kind).toBe("closed");
  });

  test("R-D-9, R-12-5: an error that something follows is no reason for a later end", async () => {
    const { client, wire, job } = await runtime.running();
    wire.sessionError("UNAUTHENTICATED");
    wire.event(1, "job_1", "on");
    wire.connection.pair.runtime.close("going-away");
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_2");
    second.result(2, "job_1");
    expect(await job.result()).toBe("job_1");
  });

  test("R-D-9: an error that rejected a request is no reason for the end that follows it", async () => {
    const { client, wire, job } = await runtime.running();
    const refused = client.submit("nobody", 3);
    await wire.next("job.submit");
    wire.sessionError("INVALID_REQUEST");
    wire.connection.pair.runtime.close("going-away");
    await expect(refused).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_2");
    second.result(1, "job_1");
    expect(await job.result()).toBe("job_1");
  });

  test("R-D-8: DUPLICATE_KEY on a running job rejects the submit and leaves the job alone, numbered or not", async () => {
    const { client, wire, job } = await runtime.running();
    for (const header of [{}, { event_seq: 1 }]) {
      const again = client.submit("echo", 2, { idempotencyKey: "k" });
      await wire.next("job.submit");
      wire.jobError("DUPLICATE_KEY", { job_id: "job_1", ...header });
      await expect(again).rejects.toMatchObject({ code: "DUPLICATE_KEY" });
    }
    // No request was pending.
    wire.jobError("DUPLICATE_KEY", { job_id: "job_1", event_seq: 2 });
    wire.event(3, "job_1", "on");
    wire.result(4, "job_1");
    expect(await job.result()).toBe("job_1");
    expect(phases(await collect(job.events))).toEqual(["on"]);
  });

  test("R-D-8: a rejection while no request is pending is dropped, and does not reject a later one", async () => {
    const { client, wire, job } = await runtime.running();
    wire.jobError("AGENT_NOT_AVAILABLE", { job_id: "job_fresh" });
    await wire.barrier();
    const submitting = client.submit("echo", 2);
    await wire.next("job.submit");
    await wire.barrier();
    wire.accept("job_2");
    expect((await submitting).id).toBe("job_2");
    wire.result(1, "job_1");
    expect(await job.result()).toBe("job_1");
  });

  test("R-D-8: the end of a delegated job does not count as the rejection of a submit", async () => {
    const { client, wire, job } = await runtime.running();
    const body = { agent: "echo", child_job_id: "job_child" };
    const delegation = { kind: "delegate", ts: "2026-11-02T08:15:30Z", body };
    wire.say("job.event", delegation, { job_id: "job_1", event_seq: 1 });
    const submitting = client.submit("echo", 2);
    await wire.next("job.submit");
    // Its end is all that the client learns of it.
    wire.jobError("INTERNAL_ERROR", { job_id: "job_child", event_seq: 2 });
    wire.event(3, "job_grandchild", "running");
    wire.jobError("INTERNAL_ERROR", { job_id: "job_grandchild", event_seq: 4 });
    await wire.barrier();
    wire.accept("job_2");
    expect((await submitting).id).toBe("job_2");
    wire.result(5, "job_1");
    expect(await job.result()).toBe("job_1");
  });

  test("section 10: the acceptance of a child answers no submit", async () => {
    const { client, wire } = await runtime.greeted();
    const submitting = client.submit("echo", 1);
    await wire.next("job.submit");
    wire.say(
      "job.accepted",
      { job_id: "job_child", agent: "echo", lease: {}, parent_job_id: "job_0", delegate_id: "d" },
      { job_id: "job_child" },
    );
    await wire.barrier();
    wire.accept("job_1");
    expect((await submitting).id).toBe("job_1");
  });

  test("R-D-8, R-5.4-8: a rejection just before a drop settles the submit, which is not repeated", async () => {
    const { client, wire } = await runtime.running();
    const submitting = client.submit("echo", 2, { idempotencyKey: "k" });
    const { trace_id } = await wire.next("job.submit");
    wire.jobError("AGENT_NOT_AVAILABLE", { job_id: "job_x", trace_id });
    wire.connection.pair.runtime.close("going-away");
    await expect(submitting).rejects.toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_2");
    await second.barrier();
  });

  test("R-D-8, R-5.4-8: a rejection that was lost with the connection goes to the repeated submit, once", async () => {
    const { client, wire } = await runtime.running();
    const keyed = client.submit("echo", 2, { idempotencyKey: "k" });
    const plain = client.submit("echo", 3);
    const { id, trace_id } = await wire.next("job.submit");
    wire.sever();
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_2");
    expect((await second.next("job.submit")).id).toBe(id);
    // Once for the first attempt and once for the second: the other one must not go to a later request.
    second.jobError("DUPLICATE_KEY", { job_id: "job_x", trace_id });
    await expect(keyed).rejects.toMatchObject({ code: "DUPLICATE_KEY" });
    await second.next("job.submit");
    second.jobError("DUPLICATE_KEY", { job_id: "job_y", trace_id });
    await second.barrier();
    second.accept("job_3");
    expect((await plain).id).toBe("job_3");
  });

  test("R-7.2-3: the acceptance of a submit that was sent twice does not go to the next one", async () => {
    const { client, wire } = await runtime.running();
    const keyed = client.submit("echo", 2, { idempotencyKey: "k" });
    const plain = client.submit("echo", 3);
    await wire.next("job.submit");
    wire.sever();
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_2");
    await second.next("job.submit");
    second.accept("job_2");
    expect((await keyed).id).toBe("job_2");
    await second.next("job.submit");
    second.accept("job_2");
    await second.barrier();
    second.accept("job_3");
    expect((await plain).id).toBe("job_3");
  });

  test("R-5.4-8, R-6.3-8: records that a resume repeats before the lost acceptance belong to the job, to its end", async () => {
    const { client, wire, job } = await runtime.running();
    const keyed = client.submit("echo", 2, { idempotencyKey: "k" });
    await wire.next("job.submit");
    wire.sever();
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_2");
    second.event(1, "job_2", "one");
    second.event(2, "job_1", "other");
    await second.next("job.submit");
    await second.barrier();
    // The next connection does not repeat what arrived.
    second.sever();
    const third = await runtime.again(client);
    expect((await third.next("session.hello")).payload.last_event_seq).toBe(2);
    third.welcome("rt_3");
    third.event(3, "job_2", "two");
    third.result(4, "job_2");
    await third.next("job.submit");
    third.accept("job_2");
    const accepted = await keyed;
    expect(await accepted.result()).toBe("job_2");
    expect(phases(await collect(accepted.events))).toEqual(["one", "two"]);
    third.result(5, "job_1");
    expect(await job.result()).toBe("job_1");
    expect(phases(await collect(job.events))).toEqual(["other"]);
  });

  test("R-D-1: a cancel is acknowledged by its job alone, and two of one job wait for each other", async () => {
    const { wire, job } = await runtime.running();
    const cancelling = [job.cancel("first"), job.cancel("second")];
    const first = await wire.next("job.cancel");
    expect(first).toMatchObject({ job_id: "job_1", payload: { job_id: "job_1", reason: "first" } });
    await wire.barrier();
    wire.say("job.cancelled", { reason: "first" }, { job_id: "job_1" });
    await cancelling[0];
    await wire.next("job.cancel");
    wire.say("job.cancelled", { job_id: "job_1" }, { job_id: "job_1" });
    await cancelling[1];
  });

  test("R-D-1: a cancel that is never acknowledged settles with the job's end, and an ended job needs none", async () => {
    const { wire, job } = await runtime.running();
    const cancelling = job.cancel();
    const again = job.cancel();
    await wire.next("job.cancel");
    wire.jobError(
      "CANCELLED",
      { job_id: "job_1", event_seq: 1 },
      { final_status: "cancelled", message: "on request" },
    );
    await cancelling;
    await again;
    await job.cancel();
    // A late one, as Java and Go number it.
    wire.say("job.cancelled", { job_id: "job_1", reason: "" }, { job_id: "job_1", event_seq: 2 });
    await wire.barrier();
    await expect(job.result()).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("R-5.4-6: subscriptions to one job wait for each other, those to others do not", async () => {
    const { client, wire } = await runtime.greeted();
    const watching = [
      client.subscribe("job_7"),
      client.subscribe("job_7"),
      client.subscribe("job_8"),
    ];
    await wire.next("job.subscribe");
    expect((await wire.next("job.subscribe")).job_id).toBe("job_8");
    const subscribed = (job: string, current_status: string) =>
      wire.say("job.subscribed", { job_id: job, agent: "echo", current_status });
    subscribed("job_8", "pending");
    subscribed("job_7", "running");
    await wire.next("job.subscribe");
    subscribed("job_7", "error");
    const statuses = (await Promise.all(watching)).map((job) => job.subscribed.current_status);
    expect(statuses).toEqual(["running", "error", "pending"]);
  });

  test("section 6.6: lists may lack next_cursor and every optional field", async () => {
    const { client, wire } = await runtime.greeted();
    const listing = collect(client.jobs());
    const { id } = await wire.next("session.list_jobs");
    const created_at = "2026-11-02T09:15:29.9+01:00";
    const entry = { job_id: "job_1", agent: "echo", status: "timedout", created_at };
    wire.say("session.jobs", { request_id: id, jobs: [entry] });
    expect(await listing).toMatchObject([
      { id: "job_1", status: "timed_out", lease: {}, createdAt: new Date(created_at) },
    ]);
  });

  test("R-D-1: a resume is requested in a hello that has both forms, and the stream goes on", async () => {
    const { client, wire, job } = await runtime.running();
    wire.event(1, "job_1", "before");
    await wire.barrier();
    wire.sever();
    const second = await runtime.again(client);
    const place = { session_id: SESSION, resume_token: "rt_1", last_event_seq: 1 };
    expect(await second.next("session.hello")).toMatchObject({
      payload: {
        auth: { scheme: "bearer", token: "secret" },
        capabilities: { encodings: ["json"] },
        resume: place,
        resume_token: "rt_1",
        last_event_seq: 1,
      },
    });
    // Java keeps the token.
    second.welcome("rt_1");
    second.event(2, "job_1", "after");
    second.result(3, "job_1");
    expect(await job.result()).toBe("job_1");
    expect(phases(await collect(job.events))).toEqual(["before", "after"]);
  });

  test("R-6.3-3, R-D-1: if the hello opened another session, session.resume follows on it", async () => {
    const { client, wire, job } = await runtime.running();
    wire.sever();
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_of_another", "sess_2");
    expect(await second.next("session.resume")).toMatchObject({
      session_id: "sess_2",
      payload: {
        session_id: SESSION,
        resume_token: "rt_1",
        last_event_seq: 0,
        auth: { scheme: "bearer", token: "secret" },
      },
    });
    second.welcome("rt_2");
    second.result(1, "job_1");
    expect(await job.result()).toBe("job_1");
    expect(client.session.id).toBe(SESSION);
    second.sever();
    const third = await runtime.again(client);
    expect((await third.next("session.hello")).payload.resume_token).toBe("rt_2");
  });

  test.each(["RESUME_WINDOW_EXPIRED", "UNAUTHENTICATED", "INVALID_REQUEST"])(
    "R-6.3-19, R-D-1: a resume that is refused with %s is followed by a fresh session",
    async (code) => {
      const { client, wire } = await runtime.greeted();
      wire.sever();
      const second = await runtime.again(client);
      await second.next("session.hello");
      second.sessionError(code);
      second.connection.pair.runtime.close("refused");
      const third = await runtime.again(client);
      const { payload } = await third.next("session.hello");
      expect(payload).not.toHaveProperty("resume");
      expect(payload).not.toHaveProperty("resume_token");
      third.welcome("rt_2", "sess_2");
      await third.barrier();
      expect(client.session.id).toBe("sess_2");
    },
  );

  test("a client that is no longer admitted learns so from the plain hello", async () => {
    const { client, wire, job } = await runtime.running();
    wire.sever();
    for (const resumes of [true, false]) {
      const next = await runtime.again(client);
      const { payload } = await next.next("session.hello");
      expect("resume" in payload).toBe(resumes);
      next.sessionError("UNAUTHENTICATED");
      next.connection.pair.runtime.close("refused");
    }
    await expect(job.result()).rejects.toThrow();
    expect(client.state).toMatchObject({ kind: "closed", error: { code: "UNAUTHENTICATED" } });
    expect(client.state).toHaveProperty("error", expect.any(ArcpError));
  });

  test("a runtime that does not answer session.resume gets a fresh session", async () => {
    const { client, wire } = await runtime.greeted();
    wire.sever();
    const second = await runtime.again(client);
    await second.next("session.hello");
    second.welcome("rt_x", "sess_2");
    await second.next("session.resume");
    runtime.clock.advance(5_000);
    const third = await runtime.again(client);
    expect((await third.next("session.hello")).payload).not.toHaveProperty("resume");
  });

  test.each(["normal", "refused", "fault"] as const)(
    "R-6.3-19: a runtime that closes (%s) on session.resume gets a fresh session, and is not asked forever",
    async (reason) => {
      const { client, wire } = await runtime.greeted();
      wire.sever();
      const second = await runtime.again(client);
      await second.next("session.hello");
      second.welcome("rt_x", "sess_2");
      await second.next("session.resume");
      second.connection.pair.runtime.close(reason);
      const third = await runtime.again(client);
      expect((await third.next("session.hello")).payload).not.toHaveProperty("resume");
    },
  );

  test.each<(wire: ForeignWire) => void>([
    (wire) => wire.say("session.closed", {}),
    (wire) => wire.welcome("rt_y", "sess_3"),
  ])(
    "R-6.3-19: a runtime that says anything else on session.resume gets a fresh session",
    async (say) => {
      const { client, wire } = await runtime.greeted();
      wire.sever();
      const second = await runtime.again(client);
      await second.next("session.hello");
      second.welcome("rt_x", "sess_2");
      await second.next("session.resume");
      say(second);
      const third = await runtime.again(client);
      expect((await third.next("session.hello")).payload).not.toHaveProperty("resume");
    },
  );

  test("R-6.3-19: a broken connection, or a runtime that goes away, says nothing about the session", async () => {
    const { client, wire } = await runtime.greeted();
    wire.sever();
    for (const end of [undefined, "going-away"] as const) {
      const next = await runtime.again(client);
      expect((await next.next("session.hello")).payload).toHaveProperty("resume");
      next.welcome("rt_x", "sess_2");
      await next.next("session.resume");
      if (end === undefined) next.sever();
      else next.connection.pair.runtime.close(end);
    }
    const last = await runtime.again(client);
    expect((await last.next("session.hello")).payload).toHaveProperty("resume");
  });

  test("R-8.3-3, R-8.3-4: duplicates are dropped, and after a gap the client resumes from the last number", async () => {
    const { client, wire, job } = await runtime.running();
    wire.event(1, "job_1", "one");
    wire.event(1, "job_1", "one again");
    wire.event(2, "job_1", "two");
    wire.event(1, "job_1", "one at last");
    await wire.barrier();
    wire.event(4, "job_1", "four");
    if (sdk.name === "go") {
      await wire.barrier();
      runtime.clock.advance(1_000);
    }
    const second = await runtime.again(client);
    expect((await second.next("session.hello")).payload.last_event_seq).toBe(2);
    second.welcome("rt_2");
    second.event(3, "job_1", "three");
    second.event(4, "job_1", "four");
    second.result(5, "job_1");
    await job.result();
    expect(phases(await collect(job.events))).toEqual(["one", "two", "three", "four"]);
  });

  test("R-8.3-4, R-6.3-19: a number that no resume brings costs the session, and is not asked for forever", async () => {
    const { client, wire, job } = await runtime.running();
    const { clock } = runtime;
    let next = wire;
    for (let times = 0; times < 3; times++) {
      if (times > 0) {
        next = await runtime.again(client);
        expect((await next.next("session.hello")).payload.last_event_seq).toBe(0);
        next.welcome();
      }
      next.event(2, "job_1", "beyond");
      if (sdk === go) {
        await next.barrier();
        clock.advance(1_000);
      }
    }
    const fresh = await runtime.again(client);
    expect((await fresh.next("session.hello")).payload).not.toHaveProperty("resume");
    fresh.welcome("rt_9", "sess_9");
    const again = await fresh.next("job.subscribe");
    expect(again.payload).toMatchObject({ job_id: "job_1", history: true });
    fresh.say("job.subscribed", {
      job_id: "job_1",
      current_status: "running",
      agent: "echo",
      lease: {},
    });
    fresh.result(1, "job_1");
    expect(await job.result()).toBe("job_1");
  });

  test("R-5.3-5, R-8.1-3, R-12-3: unknown input is counted and ignored, or passed on as it came", async () => {
    const { client, wire, job } = await runtime.running();
    wire.say("job.heartbeat", { any: 1 }, { job_id: "job_1", event_seq: 1 });
    wire.say("x-acme.hint", {});
    wire.say(
      "job.event",
      { kind: "mood", body: { good: true } },
      { job_id: "job_1", event_seq: 2 },
    );
    wire.say("job.event", { kind: "progress", body: {} }, { job_id: "job_1", event_seq: 3 });
    wire.say("session.error", { code: "ACME_BUSY" });
    wire.say(
      "job.error",
      { final_status: "error", code: "ACME_BROKE" },
      { job_id: "job_1", event_seq: 4 },
    );
    await expect(job.result()).rejects.toMatchObject({ code: "ACME_BROKE", retryable: false });
    expect(await collect(job.events)).toMatchObject([
      { kind: "opaque", name: "mood", seq: 2 },
      { kind: "opaque", name: "progress", seq: 3 },
    ]);
    expect(client.state.kind).toBe("online");
  });

  test("R-12-3: an error without message and retryable is filled in from the table", async () => {
    const { client, wire } = await runtime.greeted();
    const submitting = client.submit("echo", 1);
    await wire.next("job.submit");
    wire.say("session.error", { code: "INTERNAL_ERROR" });
    const error = { code: "INTERNAL_ERROR", retryable: true, message: expect.stringMatching(/./) };
    await expect(submitting).rejects.toMatchObject(error);
  });
});
