import { type JobId, linkedPair, type MessageId } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, test } from "vitest";
import { collect, frame, ScriptedRuntime, sessionError } from "../test/scripted-runtime.ts";
import { connect, type JobFilter } from "./index.ts";

const hang = defineAgent({
  name: "hang",
  run: ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
});
const quick = defineAgent({ name: "quick", version: "1.2.0", run: async () => "done" });

async function hosted() {
  const runtime = createRuntime({
    agents: [hang, quick],
    auth: tokenTable({ secret: "alice", other: "bob" }),
  });
  const join = (token: string) =>
    connect(
      async () => {
        const { client, runtime: far } = linkedPair();
        runtime.serve(far);
        return client;
      },
      { token },
    );
  return { runtime, client: await join("secret"), join };
}

test("R-6.6-4: all jobs of the principal come, page by page, and only as far as they are requested", async () => {
  const { runtime, client, join } = await hosted();
  const submits = Array.from({ length: 250 }, () => client.submit("quick"));
  const ids = new Set((await Promise.all(submits)).map(({ id }) => id));
  const running = await client.submit("hang", null, { lease: { "tool.call": ["a.*"] } });
  const found = await collect(client.jobs());
  expect(found).toHaveLength(251);
  expect(new Set(found.map(({ id }) => id))).toEqual(new Set([...ids, running.id]));
  expect(found.find(({ id }) => id === running.id)).toMatchObject({
    agent: "hang",
    status: "running",
    lease: { "tool.call": ["a.*"] },
    parent: undefined,
    createdAt: expect.any(Date),
    traceId: running.accepted.trace_id,
  });
  const matching = async (filter: JobFilter) =>
    (await collect(client.jobs(filter))).map(({ id }) => id);
  expect(await matching({ status: ["running"] })).toEqual([running.id]);
  expect(await matching({ agent: "quick@1.2.0" })).toHaveLength(250);
  expect(await matching({ createdBefore: new Date(0) })).toEqual([]);
  expect(await matching({ createdAfter: new Date(0) })).toHaveLength(251);
  expect(await collect((await join("other")).jobs())).toEqual([]);
  await runtime.close();
});

test("R-6.6-6: an error about a listing fails that listing, and nothing else", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const entry = {
    job_id: "job_1" as JobId,
    agent: "echo",
    status: "resting",
    lease: {},
    parent_job_id: "job_0" as JobId,
    created_at: "2026-01-01T00:00:00.000Z",
  };
  const jobs = client.jobs();
  const first = jobs.next();
  const asked = await wire.next("session.list_jobs");
  expect(asked.payload).toEqual({ filter: {}, limit: 100 });
  wire.send(
    frame("session.jobs", {
      request_id: asked.id as MessageId,
      jobs: [entry],
      next_cursor: "c",
    } as never),
  );
  expect((await first).value).toMatchObject({ id: "job_1", status: "resting", parent: "job_0" });
  // The next page is requested when it is needed, and not before.
  await wire.barrier();
  const second = jobs.next();
  const more = await wire.next("session.list_jobs");
  expect(more.payload.cursor).toBe("c");
  wire.send(sessionError("INVALID_REQUEST", more.id));
  await expect(second).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  // If a runtime names no request, its reply belongs to the only one (R-5.4-6).
  const again = client.jobs().next();
  await wire.next("session.list_jobs");
  wire.send(frame("session.jobs", { jobs: [], next_cursor: null } as never));
  expect(await again).toEqual({ done: true, value: undefined });
});

test("R-6.2-2: without the feature nothing is requested", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online({}, ["subscribe"]);
  await expect(client.jobs().next()).rejects.toMatchObject({ code: "MISUSE" });
  await wire.barrier();
});

test("an invalid date is refused before anything is requested", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  for (const key of ["createdAfter", "createdBefore"] as const) {
    await expect(client.jobs({ [key]: new Date("yesterday") }).next()).rejects.toMatchObject({
      code: "MISUSE",
      message: `${key} must be a valid Date`,
    });
  }
  await wire.barrier();
});

test.each(["running", 7, {}, new Set(["running"])])(
  "states that are not a list are refused before anything is requested, with what would be right: %o",
  async (status) => {
    const { client, wire } = await new ScriptedRuntime().online();
    const asked = client.jobs({ status: status as never }).next();
    asked.catch(() => {});
    await wire.barrier();
    await expect(asked).rejects.toMatchObject({
      code: "MISUSE",
      message: "status must be an array",
    });
  },
);

test("R-6.6-5: a page that leads to itself is an error, and is not requested forever", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const listing = collect(client.jobs());
  for (const cursor of [undefined, "again"]) {
    const { id, payload } = await wire.next("session.list_jobs");
    expect(payload.cursor).toBe(cursor);
    wire.send(frame("session.jobs", { request_id: id, jobs: [], next_cursor: "again" }));
  }
  await expect(listing).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
  await wire.barrier();
});
