import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { played, SdkClient } from "../../test/sdk-client.ts";
import { Stage, settled } from "../../test/stage.ts";
import { upstream } from "../../test/upstream.ts";

const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";

/** A rejection in two frames: one with the id of the request's own envelope, and one in the draft's form. */
async function pair(client: SdkClient, request: string | undefined, code: string, job?: string) {
  const on = job === undefined ? {} : { job_id: job };
  const error = { code, message: expect.any(String), retryable: false };
  const head = { arcp: "1.1", session_id: client.session };
  const id = request ?? expect.any(String);
  expect(await client.next()).toEqual({
    ...head,
    ...on,
    id,
    type: "job.error",
    payload: { ...error, final_status: "error" },
  });
  const named = request === undefined ? {} : { request_id: request };
  expect(await client.next()).toEqual({
    ...head,
    id: expect.any(String),
    type: "session.error",
    payload: { ...error, ...named, ...on },
  });
}

describe.each(["memory on memory", "ws on sqlite"] as const)(
  "the client of Java over %s",
  (way) => {
    test("R-D-4: each of its requests is rejected as a pair", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "java");
      await pair(client, await client.submit("nobody"), "AGENT_NOT_AVAILABLE");
      await pair(client, await client.send("job.submit", {}), "INVALID_REQUEST");
      const list = await client.send("session.list_jobs", { cursor: "xyz" });
      await pair(client, list, "INVALID_REQUEST");
      for (const type of ["job.subscribe", "job.cancel"] as const) {
        await pair(client, await client.about(type, UNKNOWN), "JOB_NOT_FOUND", UNKNOWN);
      }
      await pair(client, await client.send("job.cancel", {}), "INVALID_REQUEST");
      await pair(client, await client.send("session.foo"), "INVALID_REQUEST");
      const foreign = await client.send("session.list_jobs", {}, { session_id: "sess_other" });
      await pair(client, foreign, "INVALID_REQUEST");
      await client.sendRaw("{");
      await pair(client, undefined, "INVALID_REQUEST");
      await client.silence();
    });

    test("R-D-4: an error about a live job of its own does not name it, one about a finished job does", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "java");
      const { id, puppet } = await played(stage, client);
      const bad = { history: true, from_event_seq: 1, from_job_seq: 1 };
      await pair(client, await client.about("job.subscribe", id, bad), "INVALID_REQUEST");
      puppet.finish();
      expect(await client.next()).toMatchObject({ type: "job.result" });
      await pair(client, await client.about("job.subscribe", id, bad), "INVALID_REQUEST", id);
    });

    test("R-10-2, R-D-1: it gets no acceptances but its own, and learns of its child by the event", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "java");
      const lease = { "agent.delegate": ["puppet"] };
      const { id, puppet } = await played(stage, client, { lease_request: lease });
      const child = await puppet.ctx.delegate("puppet");
      const its = await stage.puppets.next();
      its.finish("of the child");
      const [told, running, end] = [await client.next(), await client.next(), await client.next()];
      expect(told).toMatchObject({
        job_id: id,
        event_seq: 2,
        payload: { kind: "delegate", body: { child_job_id: child.id, agent: "puppet" } },
      });
      expect([running, end]).toMatchObject([
        { job_id: child.id, event_seq: 3, payload: { body: { phase: "running" } } },
        { job_id: child.id, event_seq: 4, type: "job.result" },
      ]);
    });

    test("R-D-1: progress comes in whole numbers, again after a resume", async () => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, "java");
      const { puppet } = await played(stage, client);
      await puppet.ctx.progress({ current: 310.7, total: 1204.2, units: "pages" });
      const whole = { current: 310, total: 1204, units: "pages" };
      const told = await client.next();
      expect(told["payload"]).toMatchObject({ kind: "progress", body: whole });
      const back = await SdkClient.greeted(stage, "java", {
        resume: { ...client.place, after: 1 },
      });
      expect({ ...(await back.next()) }).toEqual(told);
    });
  },
);

test("R-D-4: while the end of a job is replayed, an error about that job does not name it", async () => {
  await using stage = await Stage.open("memory on memory");
  const client = await SdkClient.greeted(stage, "java");
  const { id, puppet } = await played(stage, client);
  for (let i = 0; i < 40; i++) await puppet.ctx.thought("x".repeat(50_000));
  puppet.finish();
  await client.skipTo(({ type }) => type === "job.result");
  const back = await SdkClient.dial(stage, "java");
  // More than can be in flight at a time, so that the replay waits.
  back.line.stall();
  await back.hello({ resume: { ...client.place, after: 0 } });
  const request = await back.send("job.cancel", { reason: 5 }, { job_id: id });
  await settled();
  back.line.release();
  const error = await back.skipTo((frame) => frame["id"] === request);
  expect(error).not.toHaveProperty("job_id");
  await back.skipTo(({ type, job_id }) => type === "job.result" && job_id === id);
});

test("R-7.2-8, R-D-1: a client that takes over a job gets no acceptance of a child either, but its events", async () => {
  const clock = new ManualClock();
  await using stage = await Stage.open("memory on memory", { clock });
  const first = await SdkClient.greeted(stage, "csharp");
  const key = { idempotency_key: "k", lease_request: { "agent.delegate": ["puppet"] } };
  const { id, puppet } = await played(stage, first, key);
  const asked = await first.submit("puppet", { parent_job_id: id });
  const child = await first.skipTo(({ payload }) => payload.request_id === asked);
  const its = await stage.puppets.next();
  await first.leave();
  await settled();
  clock.advance(600_000);
  await settled();
  const heir = await SdkClient.greeted(stage, "java");
  const request = await heir.submit("puppet", key);
  expect(await heir.next()).toMatchObject({
    type: "job.accepted",
    job_id: id,
    payload: { request_id: request },
  });
  its.finish("of the child");
  puppet.finish();
  await heir.skipTo(({ type, job_id }) => type === "job.result" && job_id === id);
  const result = heir.received.find(({ type, job_id }) => type === "job.result" && job_id !== id);
  expect(result).toMatchObject({ job_id: child["job_id"], payload: { result: "of the child" } });
  expect(heir.received.filter(({ type }) => type === "job.accepted")).toHaveLength(1);
});

test("R-9.8-9, R-D-1: a rotated credential appears in details as well", async () => {
  const { values, provisioners } = upstream();
  await using stage = await Stage.open("ws on sqlite", { provisioners });
  const client = await SdkClient.greeted(stage, "java");
  const { id } = await played(stage, client);
  await stage.runtime.credentials.rotate(id);
  const value = values[1];
  const told = (await client.next())["payload"].body;
  expect(told).toEqual({
    phase: "credential_rotated",
    id: told.id,
    value,
    details: { id: told.id, value },
  });
});
