import { describe, expect, test } from "vitest";
import { type Frame, played, SdkClient, TRACE } from "../../test/sdk-client.ts";
import { Stage, tokens } from "../../test/stage.ts";
import { upstream } from "../../test/upstream.ts";

const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";

const isError = ({ type }: Frame): boolean => type === "session.error";

async function error(client: SdkClient, request: string, code: string) {
  expect(await client.next()).toEqual({
    arcp: "1.1",
    id: expect.any(String),
    type: "session.error",
    session_id: client.session,
    payload: { code, message: expect.any(String), retryable: false, request_id: request },
  });
}

/** A submit that is rejected beside a running job: accepted for form's sake, and ended at once. */
async function lookalike(client: SdkClient, request: string, code: string): Promise<string> {
  const accepted = await client.next();
  const { job_id } = accepted as { job_id: string };
  const head = { arcp: "1.1", id: expect.any(String), session_id: client.session, job_id };
  expect(accepted).toEqual({
    ...head,
    type: "job.accepted",
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    payload: {
      request_id: request,
      job_id,
      agent: expect.any(String),
      lease: {},
      accepted_at: expect.stringMatching(/Z$/),
      trace_id: accepted["trace_id"],
    },
  });
  expect(await client.next()).toEqual({
    ...head,
    type: "job.error",
    trace_id: accepted["trace_id"],
    payload: { code, message: expect.any(String), retryable: false, final_status: "error" },
  });
  return job_id;
}

/** Rejected requests of each kind, except submits. */
function rejects(client: SdkClient): readonly (() => Promise<string>)[] {
  return [
    () => client.about("job.subscribe", UNKNOWN),
    () => client.about("job.cancel", UNKNOWN),
    () => client.send("job.cancel"),
    () => client.send("session.foo"),
    () => client.send("session.hello"),
    () => client.send("job.subscribe", {}, { session_id: "sess_other", job_id: UNKNOWN }),
  ];
}

describe.each(["memory on memory", "ws on sqlite"] as const)("the client of C# over %s", (way) => {
  test("R-D-4: without a job each of its requests is rejected by a session.error", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "csharp");
    await error(client, await client.submit("nobody"), "AGENT_NOT_AVAILABLE");
    await error(client, await client.send("job.submit", {}), "INVALID_REQUEST");
    const list = await client.send("session.list_jobs", { cursor: "xyz" });
    await error(client, list, "INVALID_REQUEST");
    for (const reject of rejects(client)) {
      const id = await reject();
      const code = client.received.length < 6 ? "JOB_NOT_FOUND" : "INVALID_REQUEST";
      await error(client, id, code);
    }
    await client.silence();
  });

  test("R-D-4, R-D-5, R-6.6-6: beside a running job only its submits and listings are answered, until that ends", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "csharp");
    const { id, puppet } = await played(stage, client);
    const ids = [
      id,
      await lookalike(client, await client.submit("nobody", {}, TRACE), "AGENT_NOT_AVAILABLE"),
      await lookalike(client, await client.send("job.submit", {}), "INVALID_REQUEST"),
      await lookalike(client, await client.submit("no agent at all"), "INVALID_REQUEST"),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const payload of [{ cursor: "xyz" }, { limit: -1 }, { filter: { status: ["so-so"] } }]) {
      const list = await client.send("session.list_jobs", payload);
      expect(await client.next()).toMatchObject({
        type: "session.jobs",
        payload: { request_id: list, jobs: [], next_cursor: null },
      });
    }
    for (const reject of rejects(client)) await reject();
    await client.sendRaw("{");
    await client.silence();
    puppet.finish(1);
    // The made-up frames took no number.
    expect(await client.next()).toMatchObject({ type: "job.result", job_id: id, event_seq: 2 });
    await error(client, await client.send("session.foo"), "INVALID_REQUEST");
  });

  test("R-D-5: a request that is rejected just when the job ends does not end it", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "csharp");
    for (let i = 0; i < 20; i++) {
      const { id, puppet } = await played(stage, client);
      const sent = [client.send("session.foo")];
      puppet.finish();
      for (let turn = 0; turn < 12; turn++) {
        sent.push(client.send("session.foo"));
        if (turn % 3 === i % 3) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(sent);
      expect(await client.next()).toMatchObject({ type: "job.result", job_id: id });
      // The replies that remain come after the end.
      const last = await client.send("session.foo");
      await client.skipTo((frame) => isError(frame) && frame["payload"].request_id === last);
    }
  });

  test("R-D-5: a request that is rejected while the job's end is replayed does not end it either", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "csharp");
    const { id, puppet } = await played(stage, client);
    for (let i = 0; i < 600; i++) await puppet.ctx.thought(`${i}`);
    puppet.finish();
    await client.skipTo(({ type }) => type === "job.result");
    const back = await SdkClient.dial(stage, "csharp");
    await back.hello({ resume: { ...client.place, after: 0 } });
    await back.next();
    for (let i = 0; i < 100; i++) {
      await back.send("session.foo");
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let seq = 1; seq <= 602; seq++) {
      expect(await back.next()).toMatchObject({ job_id: id, event_seq: seq });
    }
  });

  test("R-D-12: a submit with a parent is a delegation by that job; its acceptance is the reply, and comes once", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "csharp");
    const lease = { "agent.delegate": ["puppet"] };
    const { id, puppet } = await played(stage, client, { lease_request: lease });
    const request = await client.submit("puppet", { parent_job_id: id });
    const its = await stage.puppets.next();
    const accepted = await client.skipTo(({ type }) => type === "job.accepted");
    expect(accepted["payload"]).toMatchObject({ request_id: request, parent_job_id: id });
    its.finish();
    puppet.finish();
    // The ends of both jobs, in either order: a client with a live job is refused otherwise.
    let ends = 0;
    await client.skipTo(({ type }) => type === "job.result" && ++ends === 2);
    const told = client.received.filter(({ type }) => type === "job.accepted");
    expect(told).toHaveLength(2);
    // A parent that has ended, or that belongs to somebody else.
    await error(client, await client.submit("puppet", { parent_job_id: id }), "INVALID_REQUEST");
    const other = await SdkClient.greeted(stage, "csharp", { token: tokens.bob });
    const { id: foreign } = await played(stage, other);
    const asked = await client.submit("puppet", { parent_job_id: foreign });
    await error(client, asked, "INVALID_REQUEST");
  });
});

test("R-9.8-9, R-D-1: a rotated credential has the names of C# as well", async () => {
  const { values, provisioners } = upstream();
  await using stage = await Stage.open("ws on sqlite", { provisioners });
  const client = await SdkClient.greeted(stage, "csharp");
  const { id, puppet } = await played(stage, client);
  await stage.runtime.credentials.rotate(id);
  const { body } = (await client.next())["payload"];
  const [, value] = values;
  const names = { credential_id: body.id, credential_value: value };
  expect(body).toEqual({ phase: "credential_rotated", id: body.id, value, ...names });
  puppet.finish();
  await client.next();
  const back = await SdkClient.greeted(stage, "csharp", { resume: { ...client.place, after: 1 } });
  expect((await back.next())["payload"].body).toEqual({
    phase: "credential_rotated",
    id: body.id,
    credential_id: body.id,
  });
});

test("R-6.3-2, R-D-1: its session.resume without auth is refused, as the first message of a client of the draft", async () => {
  await using stage = await Stage.open("memory on memory");
  const client = await SdkClient.greeted(stage, "csharp");
  const late = await SdkClient.dial(stage, "csharp");
  const { token, after } = client.place;
  const request = await late.send("session.resume", { resume_token: token, last_event_seq: after });
  expect((await late.next())["payload"]).toMatchObject({
    code: "UNAUTHENTICATED",
    request_id: request,
  });
  await client.silence();
});

test("R-6.3-2, R-6.3-8: its session.resume without auth continues the session where a resume token alone suffices", async () => {
  await using stage = await Stage.open("memory on memory", { resumeByTokenAlone: true });
  const client = await SdkClient.greeted(stage, "csharp");
  await client.submit("puppet");
  const { type } = await client.next();
  expect(type).toBe("job.accepted");
  await client.next();
  const { session, token, after } = client.place;
  await client.leave();
  (await stage.puppets.next()).finish("done");
  const back = await SdkClient.dial(stage, "csharp");
  await back.send("session.resume", { resume_token: token, last_event_seq: after });
  expect(await back.next()).toMatchObject({ type: "session.welcome", session_id: session });
  expect((await back.next())["payload"]).toMatchObject({ result: "done" });
});
