import { randomUUID } from "node:crypto";
import { newMessageId, REQUEST_ID_FEATURE } from "@arcp/core";
import { expect, test } from "vitest";
import { played, SdkClient } from "../../test/sdk-client.ts";
import { Stage, tokens } from "../../test/stage.ts";

const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";

/** The draft's form of a rejection: named in full, whatever runs. */
async function rejectedAsDraft(client: SdkClient) {
  const request = await client.about("job.cancel", UNKNOWN);
  expect(await client.next()).toMatchObject({
    type: "session.error",
    payload: { code: "JOB_NOT_FOUND", request_id: request, job_id: UNKNOWN },
  });
}

test.each([
  ["typescript", REQUEST_ID_FEATURE],
  ["java", REQUEST_ID_FEATURE],
  ["go", "x-vendor.acme.tables"],
  ["csharp", "x-vendor.acme.tables"],
] as const)(
  "R-D-2, R-D-6: a client that writes like %s and asks for %s is of the draft",
  async (sdk, feature) => {
    await using stage = await Stage.open("memory on memory");
    const client = await SdkClient.greeted(stage, sdk, { features: ["progress", feature] });
    await rejectedAsDraft(client);
    const { puppet } = await played(stage, client);
    await puppet.ctx.progress({ current: 1.5 });
    await puppet.ctx.metric({ name: "m", value: 1, dimensions: { a: "b" } });
    puppet.finish(1);
    const bodies = [await client.next(), await client.next()].map(({ payload }) => payload.body);
    expect(bodies).toEqual([{ current: 1.5 }, { name: "m", value: 1, dimensions: { a: "b" } }]);
    expect((await client.next())["payload"]).toEqual({ final_status: "success", result: 1 });
  },
);

test("R-D-2, R-D-6: the welcome names our marker to a client that asks for it", async () => {
  await using stage = await Stage.open("memory on memory");
  const client = await SdkClient.dial(stage, "go");
  await client.hello({ features: ["ack", REQUEST_ID_FEATURE] });
  const { capabilities } = (await client.next())["payload"];
  expect(capabilities.features).toContain(REQUEST_ID_FEATURE);
});

test.each([
  ["go", randomUUID(), false],
  ["java", newMessageId(""), false],
  ["csharp", newMessageId(), true],
  ["typescript", newMessageId(), false],
  ["draft", newMessageId("req_"), true],
] as const)(
  "R-D-2: without a name, the id of the hello identifies %s",
  async (profile, id, timestamped) => {
    await using stage = await Stage.open("memory on memory");
    const client = await SdkClient.dial(stage, "go");
    const auth = { scheme: "bearer", token: tokens.alice };
    const timestamp = timestamped ? { timestamp: "2026-11-02T08:15:30+00:00" } : {};
    const hello = { arcp: "1.1", id, type: "session.hello", ...timestamp, payload: { auth } };
    await client.sendRaw(JSON.stringify(hello));
    expect((await client.next())["type"]).toBe("session.welcome");
    await client.about("job.cancel", UNKNOWN);
    const { type, id: reply, payload } = await client.next();
    const told = { type, paired: reply === client.received[0]?.["id"], job: payload.job_id };
    const forms = {
      go: { type: "session.error", paired: false, job: undefined },
      java: { type: "job.error", paired: false, job: undefined },
      csharp: { type: "session.error", paired: false, job: undefined },
      typescript: { type: "job.error", paired: false, job: undefined },
      draft: { type: "session.error", paired: false, job: UNKNOWN },
    };
    expect(told).toEqual(forms[profile]);
  },
);

test("R-D-2: a client that resumes by session.resume is of the draft, and gets its acceptances again", async () => {
  await using stage = await Stage.open("memory on memory");
  const client = await SdkClient.greeted(stage, "typescript");
  const { id } = await played(stage, client);
  const { place } = client;
  const back = await SdkClient.dial(stage, "typescript");
  const auth = { scheme: "bearer", token: tokens.alice };
  await back.send("session.resume", { auth, resume_token: place.token, last_event_seq: 0 });
  expect((await back.next())["type"]).toBe("session.welcome");
  expect(await back.next()).toMatchObject({ type: "job.accepted", job_id: id });
  expect(await back.next()).toMatchObject({ type: "job.event", event_seq: 1 });
  await rejectedAsDraft(back);
});

test("R-D-2: the operator's word about a principal holds for it alone, and outweighs any evidence", async () => {
  const dialect = (principal: string) => (principal === "bob" ? "java" : undefined);
  await using stage = await Stage.open("memory on memory", { policy: { dialect } });
  const client = await SdkClient.greeted(stage, "go", {
    token: tokens.bob,
    features: [REQUEST_ID_FEATURE],
  });
  const request = await client.send("session.foo");
  expect(await client.next()).toMatchObject({ type: "job.error", id: request });
  expect(await client.next()).toMatchObject({ type: "session.error" });
  const other = await SdkClient.greeted(stage, "go");
  await other.send("session.foo");
  expect(await other.next()).toMatchObject({ type: "session.error" });
});

test("R-D-3: a principal of C#, by the operator's word, that moves to another session is of the draft there", async () => {
  const dialect = () => "csharp" as const;
  await using stage = await Stage.open("memory on memory", { policy: { dialect } });
  const client = await SdkClient.greeted(stage, "go");
  await played(stage, client);
  await client.send("session.foo");
  await client.silence();
  const mover = await SdkClient.greeted(stage, "go");
  const place = { resume_token: client.token, last_event_seq: 1 };
  await mover.send("session.resume", place, { session_id: undefined });
  expect(await mover.next()).toMatchObject({ type: "session.welcome", session_id: client.session });
  await rejectedAsDraft(mover);
});

test("R-5.4-8, R-D-4: a repeated submit is refused again in the form of its new sender, even after a restart", async () => {
  await using stage = await Stage.open("ws on sqlite");
  const client = await SdkClient.greeted(stage, "typescript");
  const id = await client.submit("nobody");
  const { payload: told } = await client.next();
  expect(told).toMatchObject({ code: "AGENT_NOT_AVAILABLE", request_id: id });
  const repeat = (by: SdkClient) => by.send("job.submit", { agent: "nobody" }, { id });
  const java = await SdkClient.greeted(stage, "java", { resume: client.place });
  await repeat(java);
  expect(await java.next()).toMatchObject({ type: "job.error", id, payload: { code: told.code } });
  expect(await java.next()).toMatchObject({ type: "session.error" });
  const { place } = java;
  await stage.restart();
  const features = [REQUEST_ID_FEATURE];
  const draft = await SdkClient.greeted(stage, "go", { resume: place, features });
  await repeat(draft);
  const { final_status: _, ...error } = told;
  expect(await draft.next()).toMatchObject({ type: "session.error", payload: error });
});

test("R-5.4-1, R-5.3-2: an unreadable opening is refused under its own id", async () => {
  await using stage = await Stage.open("memory on memory");
  for (const frame of [
    { id: "req_1", type: "session.hello", payload: { auth: 5 } },
    { id: "req_1", type: "session.list_jobs", payload: {} },
    { id: "req_1" },
  ]) {
    const client = await SdkClient.dial(stage, "go");
    await client.sendRaw(JSON.stringify(frame));
    expect(await client.next()).toMatchObject({
      type: "session.error",
      session_id: expect.any(String),
      payload: { code: "INVALID_REQUEST", request_id: "req_1" },
    });
    expect(await client.closed).toBe("refused");
  }
});
