import { defineAgent } from "@arcp/runtime";
import { expect, test } from "vitest";
import { BOB, house } from "../../test/raw-house.ts";
import type { Message } from "../../test/raw-socket.ts";

const FEATURES = ["subscribe", "list_jobs", "cost.budget"];
const UNKNOWN = "job_01ZZZZZZZZZZZZZZZZZZZZZZZZ";

/** The messages without the request's name and the time. */
function words(messages: readonly Message[], job: string): string {
  return JSON.stringify(messages)
    .replaceAll(/"(?:id|request_id)":"[^"]*"/g, "")
    .replaceAll(/"[^"]*_at":"[^"]*"/g, "")
    .replaceAll(job, "the job");
}

test("R-7.6-2, R-7.4-7, R-6.6-2, R-7.6-8: somebody else's job, running or finished, looks like an unknown one", async () => {
  const quick = defineAgent({ name: "quick", run: () => "secret" });
  await using home = await house({ agents: [quick] });
  const owner = await home.greeted(FEATURES);
  const key = { idempotency_key: "k", lease_request: { "cost.budget": ["USD:1"] } };
  const { job_id: running } = await owner.submit("puppet", key);
  const puppet = await home.puppets.next();
  const { job_id: finished } = await owner.submit("quick");
  await owner.find(({ type }) => type === "job.result");
  const cursor = (id: string) =>
    Buffer.from(JSON.stringify([home.clock.now(), id])).toString("base64url");
  const requests = (job: string): [string, object, object?][] => [
    ["job.cancel", { job_id: job, reason: "r" }],
    ["job.cancel", {}, { job_id: job }],
    ["job.cancel", { job_id: job }, { job_id: "job_x" }],
    ["job.subscribe", { job_id: job }],
    ["job.subscribe", { job_id: job, history: true }],
    ["job.subscribe", { job_id: job, history: true, from_event_seq: 1 }],
    ["job.subscribe", { job_id: job, history: true, from_job_seq: 1_000_000 }],
    ["job.subscribe", { job_id: job, history: "yes" }],
    ["job.unsubscribe", { job_id: job }],
    ["job.unsubscribe", {}, { job_id: job }],
    ["session.list_jobs", { cursor: cursor(job) }],
    ["session.list_jobs", { cursor: cursor(job), limit: 1, filter: { agent: "puppet" } }],
    ["session.list_jobs", { filter: { status: ["running", "success"] } }],
    ["job.event", { kind: "thought", body: { text: "forged" } }, { job_id: job, event_seq: 1 }],
    ["job.submit", { agent: "nobody", idempotency_key: "k" }],
  ];
  const told: string[] = [];
  for (const job of [running, finished, UNKNOWN]) {
    const stranger = await home.greeted(FEATURES, BOB);
    for (const [index, [type, payload, rest]] of requests(job).entries()) {
      stranger.send(type, payload, rest);
      // A slow reply would be overtaken by a ping.
      if (type !== "job.unsubscribe") {
        await stranger.find(({ payload: { request_id: id } }) => id === `req_${2 * index + 2}`);
      }
      await stranger.ping(`${index}`);
    }
    told.push(words(stranger.received, job).replaceAll(stranger.session, "the session"));
  }
  const [ofRunning = "", ofFinished = "", ofUnknown = ""] = told.map((text) =>
    text.replace(/"resume_token":"[^"]*"/, ""),
  );
  expect(ofRunning).toBe(ofUnknown);
  expect(ofFinished).toBe(ofUnknown);
  expect(ofUnknown.match(/JOB_NOT_FOUND/g)).toHaveLength(6);
  // Each refusal names the job that was asked for (R-5.4-2).
  expect(ofUnknown.match(/"job_id":"the job"/g)).toHaveLength(8);
  // Its owner notices nothing.
  expect(puppet.ctx.signal.aborted).toBe(false);
  puppet.finish("unharmed");
  const end = await owner.find(({ type, job_id: id }) => type === "job.result" && id === running);
  expect(end["payload"].result).toBe("unharmed");
  expect(owner.received.filter(({ type }) => type === "session.error")).toEqual([]);
});

test("R-7.2-1, R-7.2-4: another principal's key reveals nothing about a job that has it", async () => {
  await using home = await house();
  const owner = await home.greeted(FEATURES);
  const { job_id: job } = await owner.submit("puppet", { idempotency_key: "k", input: 1 });
  const stranger = await home.greeted(FEATURES, BOB);
  const taken = await stranger.submit("puppet", { idempotency_key: "k", input: 2 });
  const free = await stranger.submit("puppet", { idempotency_key: "free", input: 2 });
  expect([taken["type"], free["type"]]).toEqual(["job.accepted", "job.accepted"]);
  expect(taken["job_id"]).not.toBe(job);
  expect(Object.keys(taken["payload"])).toEqual(Object.keys(free["payload"]));
});
