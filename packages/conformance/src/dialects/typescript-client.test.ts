import { ArcpError } from "@arcp/core";
import { defineAgent } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { played, SdkClient, TRACE } from "../../test/sdk-client.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import { upstream } from "../../test/upstream.ts";

const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";

/** An agent whose submits stay pending until the test releases them. */
function gated() {
  const waiting: Array<() => void> = [];
  const input = z.any().refine(async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return true;
  });
  const agent = defineAgent({ name: "gated", input, run: () => null });
  return { agent, waiting };
}

/** Nests deeper than a message may. */
const deep = JSON.parse(`${"[".repeat(200)}${"]".repeat(200)}`);

/** The error of a job that never existed. */
async function failed(client: SdkClient, request: string, code: string, trace?: string) {
  const frame = await client.next();
  expect(frame).toEqual({
    arcp: "1.1",
    id: expect.any(String),
    type: "job.error",
    session_id: client.session,
    job_id: expect.stringMatching(/^job_/),
    ...(trace !== undefined && { trace_id: trace }),
    payload: {
      code,
      message: expect.any(String),
      retryable: false,
      final_status: "error",
      request_id: request,
    },
  });
  return frame["job_id"] as string;
}

async function emptyPage(client: SdkClient, request: string) {
  expect(await client.next()).toEqual({
    arcp: "1.1",
    id: expect.any(String),
    type: "session.jobs",
    session_id: client.session,
    payload: { request_id: request, jobs: [], next_cursor: null },
  });
}

async function targetFails(client: SdkClient, code: string, job = UNKNOWN) {
  expect(await client.next()).toEqual({
    arcp: "1.1",
    id: expect.any(String),
    type: "job.error",
    session_id: client.session,
    job_id: job,
    payload: { code, message: expect.any(String), retryable: false, final_status: "error" },
  });
}

describe.each(["memory on memory", "ws on sqlite"] as const)(
  "the client of TypeScript over %s",
  (way) => {
    test("R-D-4, R-D-5, R-6.6-6: each of its requests is rejected in its form, with a job running or not", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "typescript");
      for (const live of [false, true]) {
        if (live) await played(stage, client);
        const jobs = [
          await failed(
            client,
            await client.submit("nobody", {}, TRACE),
            "AGENT_NOT_AVAILABLE",
            TRACE,
          ),
          await failed(client, await client.submit("puppet@", {}, TRACE), "INVALID_REQUEST", TRACE),
          await failed(client, await client.send("job.submit", {}), "INVALID_REQUEST"),
          await failed(
            client,
            await client.submit("puppet", deep, TRACE),
            "INVALID_REQUEST",
            TRACE,
          ),
          await failed(
            client,
            await client.send("job.submit", { agent: "puppet" }, { session_id: "sess_other" }),
            "INVALID_REQUEST",
          ),
        ];
        expect(new Set(jobs).size).toBe(5);
        for (const payload of [
          { cursor: "xyz" },
          { limit: 0 },
          { filter: { status: ["so-so"] } },
        ]) {
          await emptyPage(client, await client.send("session.list_jobs", payload));
        }
        for (const type of ["job.subscribe", "job.cancel"] as const) {
          await client.about(type, UNKNOWN);
          await targetFails(client, "JOB_NOT_FOUND");
        }
        await client.send("job.cancel");
        await client.send("session.foo");
        await client.send("session.hello");
        await client.send("x-vendor.acme.tables");
        await client.send("job.unsubscribe", {});
        for (const text of ["{", "[]", '{"id":"a"}']) await client.sendRaw(text);
        await client.silence();
      }
    });

    test("R-D-4: a job that it owns or watches gets no error because of a request", async () => {
      await using stage = await Stage.open(way, { policy: { mayObserve: () => true } });
      const owner = await SdkClient.greeted(stage, "typescript", { token: tokens.bob });
      const { id: watched, puppet: its } = await played(stage, owner);
      const client = await SdkClient.greeted(stage, "typescript");
      const { id, puppet } = await played(stage, client);
      await client.about("job.subscribe", watched);
      expect((await client.next())["type"]).toBe("job.subscribed");
      const bad = { history: true, from_event_seq: 1, from_job_seq: 1 };
      await client.about("job.subscribe", id, bad);
      await client.about("job.subscribe", watched, bad);
      // It may watch that job, but not cancel it.
      await client.about("job.cancel", watched);
      await client.silence();
      puppet.finish();
      expect(await client.next()).toMatchObject({ type: "job.result", job_id: id });
      its.finish();
      expect(await client.next()).toMatchObject({ type: "job.result", job_id: watched });
      // A finished job is known to it, too.
      await client.about("job.subscribe", id, bad);
      await client.silence();
      // It no longer knows the job that it watched.
      await client.about("job.cancel", watched);
      await targetFails(client, "PERMISSION_DENIED", watched);
    });

    test("R-D-4: while a submit is pending, a rejection that could be taken for its reply is not sent", async () => {
      const { agent, waiting } = gated();
      await using stage = await Stage.open(way, { agents: [agent] });
      const client = await SdkClient.greeted(stage, "typescript");
      const request = await client.submit("gated");
      const second = await client.submit("nobody");
      for (const type of ["job.subscribe", "job.cancel"] as const)
        await client.about(type, UNKNOWN);
      await client.silence();
      await emptyPage(client, await client.send("session.list_jobs", { cursor: "xyz" }));
      for (const open of waiting) open();
      expect(await client.next()).toMatchObject({
        type: "job.accepted",
        payload: { request_id: request },
      });
      const answer = await client.skipTo(({ type }) => type === "job.error");
      expect(answer["payload"].request_id).toBe(second);
      await client.skipTo(({ type }) => type === "job.result");
      await client.about("job.cancel", UNKNOWN);
      await targetFails(client, "JOB_NOT_FOUND");
    });

    test("R-10-2, R-D-1: a child's acceptance is sent when no submit is pending, and not before", async () => {
      const { agent, waiting } = gated();
      await using stage = await Stage.open(way, { agents: [agent] });
      const client = await SdkClient.greeted(stage, "typescript");
      const lease = { "agent.delegate": ["puppet"] };
      const { id, puppet } = await played(stage, client, { lease_request: lease });
      const first = await puppet.ctx.delegate("puppet");
      await stage.puppets.next();
      expect(await client.next()).toMatchObject({ payload: { kind: "delegate" } });
      expect(await client.next()).toMatchObject({
        type: "job.accepted",
        job_id: first.id,
        payload: { parent_job_id: id },
      });
      expect(await client.next()).toMatchObject({ job_id: first.id, event_seq: 3 });

      const request = await client.submit("gated");
      await client.silence();
      const second = await puppet.ctx.delegate("puppet");
      const its = await stage.puppets.next();
      expect(await client.next()).toMatchObject({
        event_seq: 4,
        payload: { kind: "delegate", body: { child_job_id: second.id } },
      });
      expect(await client.next()).toMatchObject({ job_id: second.id, event_seq: 5 });
      its.finish("followed all the same");
      expect(await client.next()).toMatchObject({ type: "job.result", job_id: second.id });
      for (const open of waiting) open();
      expect(await client.next()).toMatchObject({
        type: "job.accepted",
        payload: { request_id: request, agent: "gated" },
      });
    });

    test("R-D-1: labels of metrics also come as dims; budgets and progress stay as they are", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "typescript");
      const lease = { "cost.budget": ["EUR:1.00"] };
      const { puppet } = await played(stage, client, { lease_request: lease });
      const labels = { engine: "tess-5" };
      await puppet.ctx.metric({ name: "cost.ocr", value: 0.018, unit: "EUR", dimensions: labels });
      await puppet.ctx.progress({ current: 1.5 });
      const [metric, remaining, progress] = [
        await client.next(),
        await client.next(),
        await client.next(),
      ];
      expect(metric["payload"].body).toEqual({
        name: "cost.ocr",
        value: 0.018,
        unit: "EUR",
        dimensions: labels,
        dims: labels,
      });
      expect(remaining["payload"].body).toMatchObject({
        name: "cost.budget.remaining",
        value: 0.982,
      });
      expect(progress["payload"].body).toEqual({ current: 1.5 });
    });

    test("R-D-3: a client that resumes in the draft's form is of the draft from then on", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "typescript");
      const { puppet } = await played(stage, client);
      await client.send("session.foo");
      await client.silence();
      const request = await client.send("session.resume", { resume_token: client.token });
      expect(await client.next()).toMatchObject({
        type: "session.error",
        payload: { code: "INVALID_REQUEST", request_id: request },
      });
      await puppet.ctx.metric({ name: "m", value: 1, dimensions: { a: "b" } });
      expect((await client.next())["payload"].body).not.toHaveProperty("dims");

      // After a hello on a fresh session, it moves to the other one (R-6.3-3).
      const mover = await SdkClient.greeted(stage, "typescript");
      await mover.send("session.foo");
      await mover.silence();
      await mover.send(
        "session.resume",
        { resume_token: client.token, last_event_seq: 2 },
        { session_id: undefined },
      );
      expect(await mover.next()).toMatchObject({
        type: "session.welcome",
        session_id: client.session,
      });
      await mover.send("session.foo");
      expect(await mover.next()).toMatchObject({ type: "session.error" });
    });
  },
);

test("R-6.3-17, P3: a client that cannot be told of a lost subscription loses its connection, and its session", async () => {
  await using stage = await Stage.open("memory on memory", { logLimits: { records: 200 } });
  const owner = await stage.greeted();
  const { id, puppet } = await stage.played(owner);
  const client = await SdkClient.greeted(stage, "typescript");
  const { puppet: own } = await played(stage, client);
  await client.about("job.subscribe", id, { history: true });
  client.line.stall();
  for (let i = 1; i <= 1000; i++) {
    await puppet.ctx.thought("x".repeat(12_000));
    if (i % 100 === 0) await owner.until((e) => e.job_seq === i + 1);
  }
  client.line.release();
  const last = await client.skipTo(({ type }) => type === "session.error");
  expect(last["payload"]).toEqual({
    code: "RESUME_WINDOW_EXPIRED",
    message: expect.any(String),
    retryable: false,
  });
  expect(await client.closed).toBe("refused");
  // Nothing is skipped silently: neither here nor by a resume.
  const back = await SdkClient.dial(stage, "typescript");
  await back.hello({ resume: client.place });
  expect((await back.next())["payload"].code).toBe("RESUME_WINDOW_EXPIRED");
  own.finish();
  puppet.finish();
});

test("R-D-4: a job of its own that it has not been told of yet gets no error either", async () => {
  await using stage = await Stage.open("memory on memory");
  const client = await SdkClient.greeted(stage, "typescript");
  const lease = { "agent.delegate": ["puppet"] };
  const { puppet } = await played(stage, client, { lease_request: lease });
  client.line.stall();
  // More than can be in flight at a time.
  for (let i = 0; i < 20; i++) await puppet.ctx.thought("x".repeat(50_000));
  const { id } = await puppet.ctx.delegate("puppet");
  const its = await stage.puppets.next();
  await client.send("job.cancel", { reason: 5 }, { job_id: id });
  await settled();
  client.line.release();
  its.finish("told");
  const end = await client.skipTo(
    ({ type, job_id }) => (type === "job.result" || type === "job.error") && job_id === id,
  );
  expect(end).toMatchObject({ type: "job.result", payload: { result: "told" } });
});

test("R-9.8-12, R-D-1: constraints of credentials come under both names", async () => {
  const { values, provisioners } = upstream();
  await using stage = await Stage.open("ws on sqlite", { provisioners });
  const client = await SdkClient.greeted(stage, "typescript");
  const lease = { "model.use": ["mistral/*"] };
  const { id, accepted } = await played(stage, client, { lease_request: lease });
  const credential = {
    id: expect.any(String),
    scheme: "bearer",
    value: values[0],
    endpoint: "https://llm.example/v1",
    constraints: {
      "model.use": ["mistral/*"],
      "cost.budget": ["EUR:1"],
      allowed_models: ["mistral/*"],
      max_spend: ["EUR:1"],
    },
  };
  expect(accepted["payload"].credentials).toEqual([credential]);
  const second = await SdkClient.greeted(stage, "typescript", { token: tokens.alice2 });
  await second.about("job.subscribe", id);
  expect((await second.next())["payload"].credentials).toEqual([credential]);
});

test("R-5.4-4, R-7.3-8: an error that an agent raises is reported unchanged", async () => {
  await using stage = await Stage.open("memory on memory");
  const client = await SdkClient.greeted(stage, "typescript");
  const { id, puppet } = await played(stage, client);
  puppet.fail(new ArcpError("PERMISSION_DENIED", "no"));
  expect(await client.next()).toMatchObject({
    type: "job.error",
    job_id: id,
    event_seq: 2,
    payload: { code: "PERMISSION_DENIED", final_status: "error" },
  });
});
