import { describe, expect, test } from "vitest";
import { played, SdkClient } from "../../test/sdk-client.ts";
import { Stage } from "../../test/stage.ts";
import { upstream } from "../../test/upstream.ts";

const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";

/** A `session.error` that names no job. */
async function error(client: SdkClient, request: string | undefined, code: string) {
  const named = request === undefined ? {} : { request_id: request };
  expect(await client.next()).toEqual({
    arcp: "1.1",
    id: expect.any(String),
    type: "session.error",
    session_id: client.session,
    payload: { code, message: expect.any(String), retryable: false, ...named },
  });
}

describe.each(["memory on memory", "ws on sqlite"] as const)("the client of Go over %s", (way) => {
  test("R-D-4: each of its requests is rejected by a session.error, with a job running or not", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "go");
    for (const live of [false, true]) {
      if (live) await played(stage, client);
      await error(client, await client.submit("nobody"), "AGENT_NOT_AVAILABLE");
      await error(client, await client.send("job.submit", {}), "INVALID_REQUEST");
      const list = await client.send("session.list_jobs", { cursor: "xyz" });
      await error(client, list, "INVALID_REQUEST");
      for (const type of ["job.subscribe", "job.cancel"] as const) {
        await error(client, await client.about(type, UNKNOWN), "JOB_NOT_FOUND");
      }
      await error(client, await client.send("session.foo"), "INVALID_REQUEST");
      const foreign = await client.send("session.list_jobs", {}, { session_id: "sess_other" });
      await error(client, foreign, "INVALID_REQUEST");
      await client.sendRaw("{");
      await error(client, undefined, "INVALID_REQUEST");
    }
    await client.silence();
  });

  test("R-D-1: a result also comes as output, and progress in whole numbers, again after a resume", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "go");
    const { puppet, running } = await played(stage, client);
    await puppet.ctx.progress({ current: 2.9, total: 2.95 });
    puppet.finish({ rows: [1.5] });
    const [progress, result] = [await client.next(), await client.next()];
    expect(progress["payload"].body).toEqual({ current: 2, total: 2 });
    expect(result).toMatchObject({ type: "job.result", event_seq: 3 });
    const value = { rows: [1.5] };
    expect(result["payload"]).toEqual({ final_status: "success", result: value, output: value });
    const back = await SdkClient.greeted(stage, "go", { resume: { ...client.place, after: 0 } });
    expect([await back.next(), await back.next(), await back.next()]).toEqual([
      running,
      progress,
      result,
    ]);
  });

  test("R-4.1-7: a result that fills a message comes as output alone, and fills only one", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "go");
    const { puppet } = await played(stage, client);
    const large = "é".repeat(500_000);
    puppet.finish(large);
    const result = await client.next();
    expect(result["payload"]).toEqual({ final_status: "success", output: large });
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(1024 * 1024);
  });

  test("R-8.4-3, R-10-2: a streamed result has no output, and a child no acceptance", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, "go");
    const lease = { "agent.delegate": ["puppet"] };
    const { puppet } = await played(stage, client, { lease_request: lease });
    await puppet.ctx.delegate("puppet");
    (await stage.puppets.next()).finish();
    await puppet.ctx.result.write("in parts");
    puppet.finish();
    const end = await client.skipTo(({ payload }) => payload.result_id !== undefined);
    expect(end["payload"]).not.toHaveProperty("output");
    const acceptances = client.received.filter(({ type }) => type === "job.accepted");
    expect(acceptances).toHaveLength(1);
  });
});

test("R-9.8-9, R-D-1: a rotated credential appears in details as well", async () => {
  const { values, provisioners } = upstream();
  await using stage = await Stage.open("ws on sqlite", { provisioners });
  const client = await SdkClient.greeted(stage, "go");
  const { id, accepted } = await played(stage, client);
  const [credential] = accepted["payload"].credentials;
  expect(credential.constraints).toEqual({
    "cost.budget": ["EUR:1"],
    "model.use": expect.any(Array),
  });
  await stage.runtime.credentials.rotate(id);
  const body = (await client.next())["payload"].body;
  expect(body).toEqual({
    phase: "credential_rotated",
    id: credential.id,
    value: values[1],
    details: { id: credential.id, value: values[1] },
  });
});
