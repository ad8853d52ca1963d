import { inspect } from "node:util";
import type { JobId, MessageId, Payload } from "@arcp/core";
import { expect, test } from "vitest";
import {
  collect,
  event,
  frame,
  result,
  ScriptedRuntime,
  subscribed,
} from "../test/scripted-runtime.ts";

const endpoint = "https://llm.example/v1";
const credential = (id: string, value: string, scheme = "bearer") => ({
  id,
  scheme,
  value,
  endpoint,
});

async function begun(credentials: ReturnType<typeof credential>[], options = {}) {
  const { client, wire } = await new ScriptedRuntime().online(options);
  const submitting = client.submit("echo");
  const { id } = await wire.next("job.submit");
  const payload = {
    request_id: id as MessageId,
    job_id: "job_1" as JobId,
    agent: "echo",
    lease: {},
    credentials,
  };
  wire.send(frame("job.accepted", payload, { job: "job_1" }));
  const job = await submitting;
  const rotate = (seq: number, body: object, jobSeq = seq) => {
    const rotation = { kind: "status", body: { phase: "credential_rotated", ...body } };
    wire.send(frame("job.event", { ts: undefined, ...rotation }, { seq, job: "job_1", jobSeq }));
  };
  return { client, wire, job, rotate };
}

const printed = (...things: unknown[]) =>
  things.map((thing) => inspect(thing, { depth: null, showHidden: true })).join() +
  JSON.stringify(things);

test("R-9.8-13: a job holds its credentials, except unknown schemes, rotates them, and forgets them at its end", async () => {
  const { wire, job, rotate } = await begun([
    credential("one", "secret-one"),
    credential("two", "secret-two"),
    credential("three", "secret-three", "mtls"),
  ]);
  expect([...job.credentials.keys()]).toEqual(["one", "two"]);
  expect(job.credentials.get("one")).toMatchObject({ endpoint, value: "secret-one" });
  rotate(1, { id: "one", value: "secret-four" });
  rotate(2, { details: { id: "two", value: "secret-five" } });
  rotate(3, { id: "unknown", value: "secret-six" });
  rotate(4, { credential_id: "two", credential_value: "secret-seven" });
  rotate(5, { id: "two" });
  wire.send(event(6));
  const reader = job.events[Symbol.asyncIterator]();
  for (let seq = 1; seq <= 6; seq++) await reader.next();
  expect([...job.credentials.values()].map(({ value }) => value)).toEqual([
    "secret-four",
    "secret-seven",
  ]);
  expect(printed(job, job.accepted, [...job.credentials])).not.toContain("secret");
  wire.send(result(7, "done"));
  const events = await collect(job.events);
  expect(events.map(({ body }) => body)[0]).toEqual({ phase: "credential_rotated", id: "one" });
  expect(printed(events, job)).not.toContain("secret");
  expect(job.credentials.size).toBe(0);
});

test("R-9.8-13: a rotation that is read again, from the runtime's history, shows no value either", async () => {
  const { wire, job, rotate } = await begun([credential("one", "secret-one")], { eventBuffer: 1 });
  rotate(1, { id: "one", value: "secret-two" });
  wire.send(event(2));
  await wire.barrier();
  const reading = collect(job.events);
  wire.send(subscribed(await wire.next("job.subscribe"), { subscribed_from: 2 }));
  rotate(3, { id: "one", value: "secret-two" }, 1);
  wire.send(event(4, "job_1", 2), result(5, "done", "job_1", 3));
  const events = await reading;
  expect(events).toHaveLength(2);
  expect(events.map(({ body }) => body)[0]).toEqual({ phase: "credential_rotated", id: "one" });
  expect(printed(events)).not.toContain("secret");
});

test("R-9.8-13: a watched job has what the runtime shows, until it is left", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const watching = client.subscribe("job_9");
  const request = await wire.next("job.subscribe");
  wire.send(subscribed(request, { credentials: [credential("one", "secret-one")] }, "job_9"));
  const job = await watching;
  expect(job.credentials.get("one")?.value).toBe("secret-one");
  expect(printed(job, job.subscribed)).not.toContain("secret");
  job.unsubscribe();
  expect(job.credentials.size).toBe(0);
});

test("R-9.8-13: a rotation that is no valid event rotates the credential all the same, and shows no value", async () => {
  const { wire, job, rotate } = await begun([credential("one", "secret-one")]);
  rotate(1, { id: "one", value: "secret-two", message: 5 });
  await wire.barrier();
  expect(job.credentials.get("one")?.value).toBe("secret-two");
  wire.send(result(2, "done"));
  const events = await collect(job.events);
  const body = { phase: "credential_rotated", id: "one", message: 5 };
  expect(events).toMatchObject([{ kind: "opaque", name: "status", body }]);
  expect(printed(events, job)).not.toContain("secret");
});

test.each([
  ["a time that is none", { kind: "status", ts: "soon" }],
  ["no kind", {}],
])("R-9.8-13: nor does one whose event has %s", async (_, rest) => {
  const { wire, job } = await begun([credential("one", "secret-one")]);
  const body = { phase: "credential_rotated", id: "one", value: "secret-two" };
  const rotation = { ...rest, body } as unknown as Payload<"job.event">;
  wire.send(frame("job.event", rotation, { seq: 1, job: "job_1", jobSeq: 1 }));
  await wire.barrier();
  expect(job.credentials.get("one")?.value).toBe("secret-two");
  wire.send(result(2, "done"));
  const events = await collect(job.events);
  const shown = { phase: "credential_rotated", id: "one" };
  expect(events).toMatchObject([{ kind: "opaque", body: { ...rest, body: shown } }]);
  expect(printed(events, job)).not.toContain("secret");
});

test("R-9.8-13: what an agent says beside its phase rotates nothing", async () => {
  const { wire, job } = await begun([credential("one", "mine")]);
  const body = { phase: "p", body: { phase: "credential_rotated", id: "one", value: "forged" } };
  wire.send(
    frame("job.event", { kind: "status", ts: undefined, body }, { seq: 1, job: "job_1" }),
    event(2),
  );
  await wire.barrier();
  expect(job.credentials.get("one")?.value).toBe("mine");
});

test("R-9.8-13, R-8.1-3: nor does what an agent says in an event of an unknown kind, which is passed on unchanged", async () => {
  const { wire, job } = await begun([credential("one", "mine")]);
  const forged = { phase: "credential_rotated", id: "one", value: "forged" };
  const bodies = [forged, { body: forged }];
  for (const [n, body] of bodies.entries()) {
    wire.send(
      frame("job.event", { kind: "note", ts: undefined, body }, { seq: n + 1, job: "job_1" }),
    );
  }
  await wire.barrier();
  expect(job.credentials.get("one")?.value).toBe("mine");
  wire.send(result(3, "done"));
  expect((await collect(job.events)).map(({ body }) => body)).toEqual(bodies);
});
