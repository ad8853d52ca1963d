import { ArcpError, type JobId, type Lease } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import type { Policy } from "../policy.ts";
import { DamagedRow } from "../store/damage.ts";

async function connected(options: Parameters<typeof hosting>[0] = {}, features?: string[]) {
  const rig = hosting(options);
  const viewer = new Viewer(rig.runtime);
  const welcome = await viewer.hello(features);
  return { ...rig, viewer, welcome };
}

const typed = defineAgent({
  name: "typed",
  version: "1.0",
  input: z.object({ depth: z.object({ levels: z.int() }) }),
  output: z.object({ ok: z.boolean() }),
  run: (_ctx, { depth }) => ({ ok: depth.levels > 0 }),
});

/** An agent whose input is checked until `go` is called: a submit to it delays later replies. */
function slowlyChecked() {
  const { promise, resolve: go } = Promise.withResolvers<void>();
  const validate = (value: unknown) => promise.then(() => ({ value }));
  const input = { "~standard": { version: 1, vendor: "test", validate } } as const;
  return { agent: defineAgent({ name: "waiting", input, run: () => "done" }), go };
}

test.each(["job.cancel", "job.subscribe"])(
  "R-7.1-2: before the acceptance of its job a session hears nothing of it, not even by %s",
  async (type) => {
    const { agent, go } = slowlyChecked();
    const { clock, runtime, viewer } = await connected({ agents: [agent] }, [
      "list_jobs",
      "subscribe",
    ]);
    const other = new Viewer(runtime);
    await other.hello(["list_jobs"]);
    viewer.send("job.submit", { agent: "waiting" });
    viewer.send("job.submit", { agent: "led", max_runtime_sec: 1 });
    await settled();
    const list = async (who: Viewer) =>
      (await who.reply(who.send("session.list_jobs", {}))).payload.jobs;
    expect(await list(viewer)).toEqual([]);
    const [{ job_id }] = await list(other);
    const asked = viewer.send(type, { job_id });
    await settled();
    clock.advance(1000);
    await settled();
    go();
    await viewer.reply(asked);
    await viewer.terminal(job_id);
    await settled();
    const told = viewer.frames.filter((frame) => frame.job_id === job_id);
    expect(told[0]?.type).toBe("job.accepted");
    expect(await list(viewer)).toContainEqual(expect.objectContaining({ job_id }));
  },
);

test("R-7.1-2: while the delegation that a submit requests is being stored, its session hears nothing of the child", async () => {
  const { store, start, viewer } = await connected({}, ["list_jobs"]);
  const parent = await start(viewer, { lease_request: { "agent.delegate": ["led"] } });
  await settled();
  store.held.logs.hold();
  const asked = viewer.send("job.submit", { agent: "led", parent_job_id: parent.id });
  await settled();
  const list = async () => {
    const { payload } = await viewer.reply(viewer.send("session.list_jobs", {}));
    return payload.jobs.map((job: { job_id: string }) => job.job_id);
  };
  expect(await list()).toEqual([parent.id]);
  await store.held.logs.open();
  const { job_id: child } = await viewer.reply(asked);
  expect(await list()).toEqual(expect.arrayContaining([parent.id, child]));
});

test("R-5.4-5: replies come in the order of the submits, acceptances and rejections alike", async () => {
  const { agent, go } = slowlyChecked();
  const { viewer } = await connected({ agents: [agent] });
  const submits = [
    viewer.send("job.submit", { agent: "waiting" }),
    viewer.send("job.submit", { agent: "nobody" }),
    viewer.send("job.submit", { agent: 7 }),
    viewer.send("job.submit", { agent: "led" }),
  ];
  await settled();
  expect(viewer.frames).toHaveLength(1);
  go();
  await Promise.all(submits.map((id) => viewer.reply(id)));
  const replies = viewer.frames.filter(({ payload }) => payload.request_id !== undefined);
  expect(replies.map(({ payload }) => payload.request_id)).toEqual(submits);
  expect(replies.map(({ type }) => type)).toEqual([
    "job.accepted",
    "session.error",
    "session.error",
    "job.accepted",
  ]);
});

test("R-5.4-8: a repeated submit gets the same answer and starts no second job, even after a resume", async () => {
  const { runtime, viewer, welcome, begun } = await connected();
  const id = viewer.send("job.submit", { agent: "led" });
  const first = await viewer.reply(id);
  viewer.sever();
  const again = new Viewer(runtime);
  await again.resume(welcome, 0);
  again.send("job.submit", { agent: "led" }, { id });
  await settled();
  for (const { payload } of again.frames.filter(({ type }) => type === "job.accepted")) {
    expect(payload).toEqual(first.payload);
  }
  expect(again.frames.some(({ type }) => type === "session.error")).toBe(false);
  expect(begun.size).toBe(1);
});

describe("R-5.4-8: a repeated submit with a long lease", () => {
  const payload = {
    agent: "led",
    lease_request: {
      "tool.call": Array.from({ length: 200 }, (_, i) => `tool.${i}`),
      "cost.budget": ["USD:2.50"],
    },
  };

  test("gets the same answer, even after a resume, and starts no second job", async () => {
    const { runtime, viewer, welcome, begun } = await connected();
    const id = viewer.send("job.submit", payload);
    const first = await viewer.reply(id);
    viewer.sever();
    const again = new Viewer(runtime);
    await again.resume(welcome, 0);
    again.send("job.submit", payload, { id });
    await settled();
    const replies = again.frames.filter(({ type }) => type === "job.accepted");
    expect(replies.map((reply) => reply.payload)).toEqual([first.payload, first.payload]);
    expect(again.frames.some(({ type }) => type === "session.error")).toBe(false);
    expect(begun.size).toBe(1);
  });

  test("is told that its job is no longer kept", async () => {
    const { viewer, begun, store } = await connected();
    const id = viewer.send("job.submit", payload);
    const { job_id = "" } = await viewer.reply(id);
    (await begun.get(job_id)?.promise)?.end(null);
    await viewer.terminal(job_id);
    await store.jobs.remove(job_id as JobId);
    viewer.frames.length = 0;
    viewer.sendAs(id, "job.submit", payload);
    expect((await viewer.reply(id)).payload).toMatchObject({
      code: "JOB_NOT_FOUND",
      message: expect.stringContaining(job_id),
    });
    expect(begun.size).toBe(1);
  });

  test.each(["removed", "damaged"])(
    "R-5.4-5: is told in its place that its job is %s",
    async (fate) => {
      const { viewer, store } = await connected();
      const id = viewer.send("job.submit", payload);
      const { job_id = "" } = await viewer.reply(id);
      viewer.frames.length = 0;
      store.jobs.get = async (job) => {
        if (fate === "damaged") throw new DamagedRow(`the row of ${job} is no JSON`);
        return undefined;
      };
      viewer.sendAs(id, "job.submit", payload);
      const next = viewer.send("job.submit", { agent: "led" });
      await viewer.reply(next);
      const replies = viewer.frames.filter((frame) => frame.payload.request_id !== undefined);
      expect(replies.map((reply) => reply.payload.request_id)).toEqual([id, next]);
      expect(replies[0]?.payload).toMatchObject({
        code: "JOB_NOT_FOUND",
        message: expect.stringContaining(job_id),
      });
    },
  );

  test("R-6.3-8: is accepted again on a resume that was in progress when it was accepted", async () => {
    const { runtime, viewer, welcome, store } = await connected();
    const before = await viewer.reply(viewer.send("job.submit", payload));
    store.held.jobs.hold();
    const late = viewer.send("job.submit", payload);
    await settled();
    viewer.sever();
    const { get } = store.jobs;
    const look = Promise.withResolvers<void>();
    store.jobs.get = (job) => look.promise.then(() => get(job));
    const again = new Viewer(runtime);
    void again.resume(welcome, 0);
    await settled();
    await store.held.jobs.open();
    look.resolve();
    const { job_id } = await again.reply(late);
    await again.find((frame) => frame.event_seq !== undefined && frame.job_id === job_id);
    const accepted = again.frames.filter(({ type }) => type === "job.accepted");
    expect(accepted.map((frame) => frame.job_id)).toEqual([before.job_id, job_id]);
    expect(again.frames.find((frame) => frame.job_id === job_id)?.type).toBe("job.accepted");
  });

  test("R-7.2-8: is accepted again on a resume before the events of a job that it only observes", async () => {
    const { runtime, viewer } = await connected();
    const keyed = { ...payload, idempotency_key: "k" };
    const { job_id } = await viewer.reply(viewer.send("job.submit", keyed));
    const other = new Viewer(runtime);
    const welcome = await other.hello();
    const id = other.send("job.submit", keyed);
    const first = await other.reply(id);
    await other.find(({ event_seq }) => event_seq !== undefined);
    other.sever();
    const again = new Viewer(runtime);
    await again.resume(welcome, 0);
    await again.find(({ event_seq }) => event_seq !== undefined);
    const its = again.frames.filter((frame) => frame.job_id === job_id);
    expect(its[0]?.type).toBe("job.accepted");
    expect(its[0]?.payload).toEqual(first.payload);
  });
});

test("R-4.1-7: a lease whose acceptance would not fit into one message is refused, and nothing begins", async () => {
  const { viewer, begun, store } = await connected();
  let inserted = 0;
  const { insert } = store.jobs;
  store.jobs.insert = (row) => {
    inserted += 1;
    return insert(row);
  };
  const patterns = Array.from({ length: 40_000 }, (_, i) => `some.rather.long.tool.name.${i}.*`);
  const reply = await viewer.submit("led", null, { lease_request: { "tool.call": patterns } });
  expect(reply.payload).toMatchObject({ code: "INVALID_REQUEST" });
  expect(reply.payload.message).toContain("lease_request");
  expect([begun.size, inserted]).toEqual([0, 0]);
});

test("R-14-2: a lease that is too large to be accepted is not even compiled", async () => {
  const { viewer } = await connected();
  const patterns = [...Array.from({ length: 300 }, () => "x".repeat(1000)), "no**pattern"];
  const reply = await viewer.submit("led", null, { lease_request: { "tool.call": patterns } });
  expect(reply.payload.message).toBe("payload.lease_request: is too large");
});

test("R-7.1-1: a lease that is too large to be accepted is refused for that before there being too many jobs", async () => {
  const { viewer, start } = await connected({ limits: { liveJobsPerPrincipal: 1 } });
  await start(viewer);
  // By itself it fits.
  const patterns = [...Array.from({ length: 261 }, () => "x".repeat(1000)), "y".repeat(200)];
  const lease_request = { "tool.call": patterns };
  expect(JSON.stringify(lease_request).length).toBeLessThan(256 * 1024);
  const { payload } = await viewer.submit("led", null, { lease_request });
  expect(payload).toMatchObject({
    code: "INVALID_REQUEST",
    message: "payload.lease_request: is too large",
  });
});

test("a submit that could not be stored is rejected, and leaves no running clock of its job", async () => {
  const { viewer, store, clock, begun } = await connected();
  const { insert } = store.jobs;
  const appended: unknown[] = [];
  const { append } = store.logs;
  store.logs.append = (batches) => {
    appended.push(...batches);
    return append(batches);
  };
  store.jobs.insert = () => Promise.reject(new Error("io"));
  const before = clock.pending;
  const reply = await viewer.submit("led", null, { max_runtime_sec: 100 });
  expect(reply.payload.code).toBe("INTERNAL_ERROR");
  expect(clock.pending).toBe(before);
  clock.advance(101_000);
  await settled();
  expect(appended).toEqual([]);
  // A failure does not affect the submit after it.
  store.jobs.insert = insert;
  expect((await viewer.submit("led")).type).toBe("job.accepted");
  expect(begun.size).toBe(1);
});

test("R-7.3-6: a job's clock runs from its acceptance", async () => {
  const { viewer, start, clock } = await connected();
  const job = await start(viewer, { max_runtime_sec: 100 });
  clock.advance(99_999);
  await settled();
  expect(job.ctx.signal.aborted).toBe(false);
  clock.advance(1);
  expect((await viewer.terminal(job.id)).payload).toMatchObject({
    code: "TIMEOUT",
    final_status: "timed_out",
  });
});

test("R-7.3-6: a job that ended before its acceptance could be sent is still reported whole", async () => {
  const { agent, go } = slowlyChecked();
  const { viewer, clock } = await connected({ agents: [agent] });
  viewer.send("job.submit", { agent: "waiting" });
  const request = viewer.send("job.submit", { agent: "led", max_runtime_sec: 1 });
  await settled();
  clock.advance(1000);
  await settled();
  go();
  const { job_id } = await viewer.reply(request);
  const { payload } = await viewer.terminal(job_id ?? "");
  expect(payload.code).toBe("TIMEOUT");
});

test("R-6.2-4: a submit that relies on a feature not negotiated is refused by the feature's name", async () => {
  const { viewer, begun } = await connected({ agents: [typed] }, ["subscribe"]);
  const submits = [
    ["cost.budget", { lease_request: { "cost.budget": ["USD:1"] } }],
    ["model.use", { lease_request: { "model.use": ["*"] } }],
    ["lease_expires_at", { lease_constraints: { expires_at: "2026-01-02T00:00:00Z" } }],
    ["agent_versions", { agent: "typed@1.0" }],
  ] as const;
  for (const [feature, rest] of submits) {
    const { payload } = await viewer.submit("led", null, rest);
    expect(payload).toMatchObject({ code: "INVALID_REQUEST", details: { feature } });
  }
  expect(begun.size).toBe(0);
});

test("R-5.3-6: an input that does not fit its schema is refused by the place of the fault", async () => {
  const { viewer } = await connected({ agents: [typed] });
  const { payload } = await viewer.submit("typed", { depth: { levels: "two" } });
  expect(payload.code).toBe("INVALID_REQUEST");
  expect(payload.message).toMatch(/^payload\.input\.depth\.levels: /);
  const accepted = await viewer.submit("typed", { depth: { levels: 2 } });
  expect((await viewer.terminal(accepted.job_id)).payload.result).toEqual({ ok: true });
});

test("R-7.1-3: the acceptance shows a lease as the policy cut it down", async () => {
  const { viewer } = await connected({
    policy: { grant: (_principal, { "tool.call": _cut, ...rest }) => rest },
  });
  const { payload } = await viewer.submit("led", null, {
    lease_request: { "tool.call": ["*"], "net.fetch": ["https://a.test/**"] },
  });
  expect(payload.lease).toEqual({ "net.fetch": ["https://a.test/**"] });
});

const asked = { "tool.call": ["ocr.*"], "cost.budget": ["USD:5", "EUR:1"] };

test.each<[string, Lease]>([
  ["another pattern", { ...asked, "tool.call": ["ocr.*", "shell"] }],
  ["a wider pattern", { ...asked, "tool.call": ["*"] }],
  ["another namespace", { ...asked, "fs.read": ["/etc/**"] }],
  ["more money", { ...asked, "cost.budget": ["USD:5.01", "EUR:1"] }],
  ["money without end", { "tool.call": ["ocr.*"], "cost.budget": ["USD:5"] }],
  ["what is no lease", { ...asked, "tool.call": [""] }],
])("R-7.1-3: a policy that grants %s refuses the job", async (_, granted) => {
  const { viewer } = await connected({ policy: { grant: () => granted } });
  const { type, payload } = await viewer.submit("led", null, { lease_request: asked });
  expect([type, payload.code]).toEqual(["session.error", "INTERNAL_ERROR"]);
  expect(JSON.stringify(payload)).not.toContain("shell");
});

test("R-7.1-3: a policy can grant less: narrower patterns, less money, and a budget where none was requested", async () => {
  const granted = { "tool.call": ["ocr.page"], "cost.budget": ["USD:4", "EUR:1", "GBP:1"] };
  const told: unknown[] = [];
  const grant: Policy["grant"] = (...given) => {
    told.push(given);
    return granted;
  };
  const { viewer } = await connected({ policy: { grant } });
  const { payload } = await viewer.submit("led", null, { lease_request: asked });
  expect(payload.lease).toEqual(granted);
  expect(told).toEqual([["alice", asked, "led"]]);
});

test("R-7.5-2: an agent that a principal may not use is just as unknown to it as any other", async () => {
  const { viewer, welcome } = await connected({
    agents: [typed],
    policy: { maySubmit: (_principal, agent) => agent !== "typed" },
  });
  expect(JSON.stringify(welcome)).not.toContain("typed");
  const hidden = (await viewer.submit("typed")).payload;
  const unknown = (await viewer.submit("typod")).payload;
  expect(hidden).toMatchObject({ code: "AGENT_NOT_AVAILABLE" });
  expect(hidden.message).toBe(unknown.message.replace("typod", "typed"));
  // It is told what the welcome also lists.
  expect(unknown.message).toBe("there is no agent typod here, only led");
});

test("R-5.3-6: a refusal lists a few of the agents or versions that there are", async () => {
  const run = () => null;
  const versions = ["b", "c", "d", "e"].map((letter) => letter.repeat(64));
  const { viewer } = await connected({
    agents: [
      ...["1", "2", "3", "4", "5", "6", "7"].map((name) => defineAgent({ name, run })),
      ...["1", "2"].map((version) => defineAgent({ name: "few", version, run })),
      ...[undefined, "1"].map((version) => defineAgent({ name: "both", version, run })),
      ...versions.map((version) => defineAgent({ name: "long", version, run })),
    ],
    policy: { maySubmit: (_principal, agent) => agent !== "led" },
  });
  const refusalOf = async (agent: string) => (await viewer.submit(agent)).payload.message;
  expect(await refusalOf("0")).toBe("there is no agent 0 here, only 1, 2, 3, 4, 5, …");
  expect(await refusalOf("few@3")).toBe("few has no version 3, only few@1, few@2");
  expect(await refusalOf("long@3")).toMatch(
    /^long has no version 3, only long@b{64}, long@c{64}, long@d+…$/,
  );
  expect(await refusalOf("1@3")).toBe("1 has no version 3, only 1");
  expect(await refusalOf("both@3")).toBe("both has no version 3, only both, both@1");
});

test("R-7.5-2: whoever observes a delegation that is refused does not learn what there is instead", async () => {
  const { viewer, start } = await connected({ agents: [typed] });
  const { ctx } = await start(viewer, { lease_request: { "agent.delegate": ["*"] } });
  await expect(ctx.delegate("typod")).rejects.toThrow(/^there is no agent typod here$/);
  await expect(ctx.delegate("typed@2")).rejects.toThrow(/^typed has no version 2$/);
});

test("a rejection whose details are not JSON reaches the client without them", async () => {
  const refusing = defineAgent({
    name: "refusing",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          throw new ArcpError("PERMISSION_DENIED", "not today", { details: { n: 1n } });
        },
      },
    },
    run: () => "never",
  });
  const { viewer } = await connected({ agents: [refusing] });
  const { payload } = await viewer.submit("refusing");
  expect(payload).toMatchObject({ code: "PERMISSION_DENIED", message: "not today" });
  expect((await viewer.submit("led")).type).toBe("job.accepted");
});

test("R-7.1-5: above its limit of live jobs a principal is only told so; a job that ends makes room", async () => {
  const { viewer, runtime, start, store } = await connected({
    limits: { liveJobsPerPrincipal: 2 },
  });
  const first = await start(viewer);
  // Of concurrent submits only as many as fit get through, and a refused one takes no place.
  const { insert } = store.jobs;
  store.jobs.insert = () => Promise.reject(new Error("disk full"));
  expect((await viewer.submit("led")).payload.code).toBe("INTERNAL_ERROR");
  store.jobs.insert = insert;
  const replies = await Promise.all([1, 2, 3].map(() => viewer.submit("led")));
  expect(replies.map(({ type }) => type)).toEqual([
    "job.accepted",
    "session.error",
    "session.error",
  ]);
  expect(replies[1]?.payload).toMatchObject({
    code: "INTERNAL_ERROR",
    retryable: true,
    details: { reason: "live_jobs_per_principal" },
  });
  const bob = new Viewer(runtime);
  await bob.hello(undefined, "other");
  await start(bob);
  first.end("done");
  await viewer.terminal(first.id);
  await settled();
  expect((await viewer.submit("led")).type).toBe("job.accepted");
  expect((await viewer.submit("led")).type).toBe("session.error");
});

const REASON = "live_input_characters_per_principal";

test("R-7.1-5: the inputs of running jobs are limited in total characters; ended and refused jobs do not count", async () => {
  const { viewer, runtime, begun, store } = await connected({
    limits: { liveInputCharactersPerPrincipal: 30 },
  });
  // As JSON it has two more.
  const submit = (length: number, rest: object = {}, to = viewer) =>
    to.submit("led", "x".repeat(length - 2), rest);
  const tooMuch = {
    code: "INTERNAL_ERROR",
    retryable: true,
    message: expect.stringMatching(/^11 more characters .* above 30: /),
    details: { reason: REASON },
  };
  const first = await submit(10, { idempotency_key: "k" });
  // A retry leads to the existing job.
  for (let i = 0; i < 3; i++) {
    expect((await submit(10, { idempotency_key: "k" })).job_id).toBe(first.job_id);
  }
  // Of concurrent ones only as many as fit get through, and what is refused takes no room.
  const { insert } = store.jobs;
  store.jobs.insert = () => Promise.reject(new Error("disk full"));
  expect((await submit(20)).payload.message).not.toContain("characters");
  store.jobs.insert = insert;
  const replies = await Promise.all([11, 11, 9].map((length) => submit(length)));
  expect(replies.map(({ type }) => type)).toEqual([
    "job.accepted",
    "session.error",
    "job.accepted",
  ]);
  expect(replies[1]?.payload).toMatchObject(tooMuch);
  expect((await submit(11)).payload).toMatchObject(tooMuch);
  const bob = new Viewer(runtime);
  await bob.hello(undefined, "other");
  expect((await submit(30, {}, bob)).type).toBe("job.accepted");
  (await begun.get(first.job_id ?? "")?.promise)?.end("done");
  await viewer.terminal(first.job_id);
  await settled();
  expect((await submit(10)).type).toBe("job.accepted");
  expect((await submit(2)).type).toBe("session.error");
});

test("R-7.1-5: an input that can never fit is refused for that, whatever else runs", async () => {
  const { viewer } = await connected({ limits: { liveInputCharactersPerPrincipal: 30 } });
  expect((await viewer.submit("led", "x".repeat(28))).type).toBe("job.accepted");
  expect((await viewer.submit("led", "x".repeat(29))).payload).toMatchObject({
    code: "INVALID_REQUEST",
    retryable: false,
    message: expect.stringMatching(
      /^the input counts 31 characters, and may count at most 30: .* 64 for each/,
    ),
    details: { reason: REASON },
  });
});

test("R-7.1-5: an input counts by what it takes in memory, also if its job is run again", async () => {
  const limits = { liveInputCharactersPerPrincipal: 1000 };
  const machine = hosts({ limits, led: { attempts: 2 } });
  const before = new Viewer(machine.start());
  await before.hello();
  // 31 characters, and ten arrays within another.
  const input = Array.from({ length: 10 }, () => []);
  await before.submit("led", input);
  expect((await before.submit("led", input)).payload).toMatchObject({
    details: { reason: REASON },
  });
  const again = machine.nextRun();
  const behind = new Viewer(machine.start());
  await again;
  await behind.hello();
  expect((await behind.submit("led", input)).payload).toMatchObject({
    details: { reason: REASON },
  });
  expect((await behind.submit("led", "x".repeat(263))).type).toBe("job.accepted");
});

test("R-14-2: no input is stored for a next process if there can be none", async () => {
  const { viewer, store, start } = await connected();
  const { id } = await start(viewer);
  const row = await store.jobs.get(id);
  expect(row).toMatchObject({ status: "pending" });
  expect(row?.input).toBeUndefined();
});
