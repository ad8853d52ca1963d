import { getEventListeners, getMaxListeners, once } from "node:events";
import { mkdir, mkdtempDisposable, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { features, formatTimestamp, type Lease } from "@arcp/core";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { site } from "../../test/site.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";
import type { Policy } from "../policy.ts";
import { defineAgent } from "./agent.ts";

const lease_request = { "agent.delegate": ["led"], "cost.budget": ["USD:1"] };
const grant = { lease: { "cost.budget": ["USD:1"] } };

const acceptances = ({ frames }: Viewer) => frames.filter(({ type }) => type === "job.accepted");

/** A job that may delegate, and what the store knows of it. */
async function delegating(features?: readonly string[]) {
  const hosted = hosting();
  const viewer = new Viewer(hosted.runtime);
  await viewer.hello(features);
  const parent = await hosted.start(viewer, { lease_request });
  await settled();
  const rows = () => hosted.store.jobs.list({ limit: 9 });
  return { ...hosted, viewer, parent, rows };
}

test("R-10-6: a child whose parent ends while the child is being stored never existed", async () => {
  const { store, viewer, parent, rows, begun } = await delegating();
  store.held.jobs.hold();
  const attempt = parent.ctx.delegate("led", null, grant);
  const refused = expect(attempt).rejects.toMatchObject({ code: "CANCELLED" });
  await settled();
  parent.end("gone");
  await settled();
  await store.held.jobs.open();
  await refused;
  await viewer.terminal(parent.id);
  await settled();
  expect((await rows()).map(({ id }) => id)).toEqual([parent.id]);
  expect(begun.size).toBe(1);
});

test("R-10-2: a child that is kept was announced, at whatever moment its parent ends", async () => {
  for (let moment = 0; moment < 12; moment++) {
    const { store, viewer, parent, rows } = await delegating();
    const { insert } = store.jobs;
    const end = async (): Promise<void> => {
      for (let i = 0; i < moment; i++) await null;
      parent.end();
    };
    store.jobs.insert = (row) => insert(row).finally(() => void end());
    await expect(parent.ctx.delegate("led")).rejects.toMatchObject({ code: "CANCELLED" });
    await viewer.terminal(parent.id);
    await settled();
    const kept = (await rows()).filter((row) => row.parent !== undefined);
    const told = viewer.stream.flatMap(({ payload }) => payload.body?.child_job_id ?? []);
    expect([moment, told]).toEqual([moment, kept.map(({ id }) => id)]);
  }
});

test("R-10-3: a delegation whose id is too long to be announced leaves no child behind", async () => {
  const { parent, rows } = await delegating();
  const options = { id: "d".repeat(1024 * 1024), maxRuntimeSec: 1 };
  await expect(parent.ctx.delegate("led", null, options)).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
  await expect(parent.ctx.delegate("led", null, { id: "d".repeat(257) })).rejects.toMatchObject({
    message: "id: has more than 256 characters",
  });
  expect(await rows()).toHaveLength(1);
  await parent.ctx.delegate("led", null, { id: "d".repeat(256) });
});

test.each([new Date(Number.NaN), "2027-01-01T00:00:00Z", 1n, null])(
  "R-9.4-5: a delegation with an invalid expiry is refused: %s",
  async (expiresAt) => {
    const { parent, rows } = await delegating();
    const options = { expiresAt: expiresAt as Date };
    await expect(parent.ctx.delegate("led", null, options)).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      message: "expiresAt: is not a valid date",
    });
    expect(await rows()).toHaveLength(1);
  },
);

test("R-9.4-1: a child gets the lease that was requested, even if the agent changes its own object meanwhile", async () => {
  const { parent, rows, store } = await delegating();
  const lease: Record<string, unknown> = { "cost.budget": ["USD:0.5"] };
  const asked = parent.ctx.delegate("led", null, { lease: lease as Lease });
  lease["cost.budget"] = ["USD:0.75"];
  lease["tool.call"] = [7];
  const { id } = await asked;
  expect(await rows()).toContainEqual(
    expect.objectContaining({ id, lease: { "cost.budget": ["USD:0.5"] } }),
  );
  const changing = { "tool.call": ["mail.*"] } as Record<string, unknown>;
  const refused = parent.ctx.delegate("led", null, { lease: changing as Lease });
  changing["tool.call"] = 7n;
  await expect(refused).rejects.toMatchObject({ code: "LEASE_SUBSET_VIOLATION" });
  await parent.ctx.flush();
  const { records } = await store.logs.read(parent.id, 0, { records: 9, characters: 9999 });
  expect(records.map(({ text }) => text).join()).toContain(
    '"lease_request":{"tool.call":["mail.*"]}',
  );
});

test("R-8.2-1, R-10-3: a delegation cannot have a tool call's id, or its refusal would pass for the call's result", async () => {
  const { parent, rows } = await delegating();
  for (const id of ["call_1", "call_2.7"]) {
    await expect(parent.ctx.delegate("led", null, { id })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      message: `${id} is the runtime's id of a tool call`,
    });
  }
  await parent.ctx.delegate("led", null, { id: "call_9RgtQxBd" });
  expect(await rows()).toHaveLength(2);
});

test("R-8.2-1, R-D-12: nor does a client's delegation get such an id, whatever the id of its request", async () => {
  const { parent, viewer } = await delegating();
  void parent.ctx.tools.call("no tool").catch(() => {});
  const payload = { agent: "led", input: null, parent_job_id: parent.id };
  const { payload: accepted } = await viewer.reply(viewer.sendAs("call_1", "job.submit", payload));
  await parent.ctx.flush();
  await settled();
  const ids = viewer.stream.map(({ payload: { body } }) => body?.call_id ?? body?.delegate_id);
  expect(ids.filter((id) => id !== undefined)).toEqual(["call_1", "call_1", accepted.delegate_id]);
  expect(accepted.delegate_id).not.toBe("call_1");
});

test("R-9.4-4: money set aside for a child comes back when the child cannot be stored", async () => {
  const { store, parent, rows } = await delegating();
  const { insert } = store.jobs;
  store.jobs.insert = () => Promise.reject(new Error("disk full"));
  await expect(parent.ctx.delegate("led", null, grant)).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
  });
  expect(parent.ctx.budget.available()).toEqual({ USD: "1" });
  store.jobs.insert = insert;
  const child = await parent.ctx.delegate("led", null, grant);
  expect(parent.ctx.budget.available()).toEqual({ USD: "0" });
  expect(new Set((await rows()).map(({ id }) => id))).toEqual(new Set([parent.id, child.id]));
});

test("R-10-2 and J2: a child begins only after the record that announces it", async () => {
  const { store, viewer, parent, begun } = await delegating();
  store.held.logs.hold();
  const attempt = parent.ctx.delegate("led");
  await settled();
  expect(begun.size).toBe(1);
  expect(acceptances(viewer)).toHaveLength(1);
  await store.held.logs.open();
  const { id } = await attempt;
  await settled();
  expect(begun.has(id)).toBe(true);
  expect(acceptances(viewer)).toHaveLength(2);
});

test("R-10-2 and J2: nobody else hears of a child before the record that announces it is durable", async () => {
  const { runtime, store, parent, rows } = await delegating();
  const other = new Viewer(runtime);
  await other.hello([...ALL_FEATURES, "list_jobs"]);
  store.held.logs.hold();
  const attempt = parent.ctx.delegate("led");
  await settled();
  const child = (await rows()).find((row) => row.parent === parent.id)?.id;
  const asked = [
    other.send("session.list_jobs", {}),
    other.send("job.subscribe", { job_id: child }),
    other.send("job.cancel", { job_id: child }),
  ];
  await settled();
  expect(other.frames.slice(1)).toEqual([]);
  await store.held.logs.open();
  expect((await attempt).id).toBe(child);
  const answers = await Promise.all(asked.map((id) => other.reply(id)));
  expect(answers.map(({ type, payload }) => payload.code ?? type)).toEqual([
    "session.jobs",
    "job.subscribed",
    "PERMISSION_DENIED",
  ]);
  expect(answers[0]?.payload.jobs).toHaveLength(2);
});

test("R-10-6: a parent that ends while its child is being announced leaves none running", async () => {
  const { store, viewer, parent, rows, begun } = await delegating();
  store.held.logs.hold();
  const attempt = parent.ctx.delegate("led");
  const refused = expect(attempt).rejects.toMatchObject({ code: "CANCELLED" });
  await settled();
  parent.end("gone");
  await settled();
  await store.held.logs.open();
  await refused;
  await viewer.terminal(parent.id);
  await settled();
  expect(begun.size).toBe(1);
  expect(new Set((await rows()).map(({ status }) => status))).toEqual(
    new Set(["success", "cancelled"]),
  );
});

test("R-7.4-1: a cancel that cannot be stored does not keep a child from beginning", async () => {
  const { store, clock, viewer, parent, begun } = await delegating();
  const { update } = store.jobs;
  store.jobs.update = (id, change) =>
    "cancel" in change ? Promise.reject(new Error("busy")) : update(id, change);
  store.held.logs.hold();
  const attempt = parent.ctx.delegate("led");
  await settled();
  const cancel = viewer.send("job.cancel", {}, { job_id: parent.id });
  await settled();
  await store.held.logs.open();
  const { id } = await attempt;
  await settled();
  expect(begun.has(id)).toBe(false);
  for (let second = 0; second < 5; second++) {
    clock.advance(1000);
    await settled();
  }
  expect((await viewer.reply(cancel)).type).toBe("session.error");
  expect(begun.has(id)).toBe(true);
});

test("J4: a lease with many patterns is compared over many turns, and holds nobody up", async () => {
  const hosted = hosting();
  const viewer = new Viewer(hosted.runtime);
  await viewer.hello();
  const names = (count: number) => Array.from({ length: count }, (_, i) => `t${i}.*`);
  const wide = { "agent.delegate": ["led"], "tool.call": names(900) };
  const parent = await hosted.start(viewer, { lease_request: wide });
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  await parent.ctx.delegate("led", null, { lease: { "tool.call": names(400) } });
  counting = false;
  expect(turns).toBeGreaterThan(40);
});

test.each([
  ["is cancelled", "CANCELLED"],
  ["ends", "CANCELLED"],
  ["expires", "LEASE_EXPIRED"],
  ["has spent all", "BUDGET_EXHAUSTED"],
  ["has set aside all", "LEASE_SUBSET_VIOLATION"],
] as const)(
  "R-9.4-4, R-9.5-2 and R-9.6-6: a job that %s while leases are being compared delegates nothing",
  async (what, code) => {
    const { runtime, clock, start, store } = hosting({ endJobsAtExpiry: false });
    const viewer = new Viewer(runtime);
    await viewer.hello([...ALL_FEATURES, "lease_expires_at"]);
    const names = (count: number) => Array.from({ length: count }, (_, i) => `t${i}.*`);
    const parent = await start(viewer, {
      lease_request: { ...lease_request, "tool.call": names(900) },
      lease_constraints: { expires_at: formatTimestamp(clock.now() + 60_000) },
    });
    await settled();
    const lease = { ...grant.lease, "tool.call": names(400) };
    const attempt = parent.ctx.delegate("led", null, { lease });
    let isOver = false;
    const refused = expect(attempt.finally(() => (isOver = true))).rejects.toMatchObject({ code });
    await settled(3);
    expect(isOver).toBe(false);
    if (what === "is cancelled") viewer.send("job.cancel", { job_id: parent.id });
    if (what === "ends") parent.end();
    if (what === "expires") clock.advance(60_000);
    if (what === "has spent all")
      await parent.ctx.metric({ name: "cost.model", value: 1, unit: "USD" });
    if (what === "has set aside all") parent.ctx.spend.reserve({ USD: "1" });
    await refused;
    await settled();
    expect((await store.jobs.list({ limit: 9 })).map(({ id }) => id)).toEqual([parent.id]);
  },
);

test("R-10-2 and R-10-3: a child that ends before it begins was still accepted", async () => {
  const { store, clock, viewer, parent } = await delegating();
  store.held.logs.hold();
  const attempt = parent.ctx.delegate("led", null, { id: "d-1", maxRuntimeSec: 1 });
  await settled();
  clock.advance(1000);
  await settled();
  await store.held.logs.open();
  const child = await attempt;
  await expect(child.result()).rejects.toMatchObject({ code: "TIMEOUT" });
  parent.end();
  await viewer.terminal(parent.id);
  const told = viewer.stream.filter(({ payload }) => payload.body?.delegate_id === "d-1");
  expect(told.map(({ payload }) => payload.body.child_job_id)).toEqual([child.id]);
  expect(viewer.stream.some(({ payload }) => payload.kind === "tool_result")).toBe(false);
});

test.each([
  ["too large a result", "x".repeat(2 * 1024 * 1024)],
  ["something that is not JSON", { number: 1n }],
])("R-10-7: a child that returns %s has failed for its parent too", async (_, value) => {
  const { viewer, parent, begun } = await delegating();
  const child = await parent.ctx.delegate("led");
  await settled();
  (await begun.get(child.id)?.promise)?.end(value);
  const { payload } = await viewer.terminal(child.id);
  expect(payload).toMatchObject({ final_status: "error", code: "INTERNAL_ERROR" });
  await expect(child.result()).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
    message: payload.message,
  });
});

test("R-10-7 and J2: a result that never became durable does not count as a result", async () => {
  const { store, parent, begun } = await delegating();
  const child = await parent.ctx.delegate("led");
  await settled();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    const mine = batches.filter(({ job }) => job !== child.id);
    const outcomes = [...(await append(mine))];
    return batches.map(({ job }) => (job === child.id ? "fenced" : (outcomes.shift() ?? "fenced")));
  };
  (await begun.get(child.id)?.promise)?.end("lost");
  await expect(child.result()).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
});

test("R-10-7: a streamed result that is no longer kept is not mistaken for an empty one", async () => {
  const { store, viewer, parent, begun } = await delegating();
  const child = await parent.ctx.delegate("led");
  await settled();
  const its = await begun.get(child.id)?.promise;
  await its?.ctx.result.write("piece");
  its?.end();
  await viewer.terminal(child.id);
  await store.logs.remove(child.id as never);
  await expect(child.result()).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
});

test.each([
  ["text", "\u{1F680}x".repeat(8 * 1024), (pieces: unknown[]) => pieces.join("")],
  [
    "bytes",
    Buffer.alloc(64 * 1024, "abc"),
    (pieces: unknown[]) => Buffer.concat(pieces as Buffer[]),
  ],
])(
  "J4, R-10-7: large streamed results of %s are read whole, one page per turn over all readers",
  async (_, piece, whole) => {
    const { store, viewer, parent, begun } = await delegating([...ALL_FEATURES, "result_chunk"]);
    const children = await Promise.all([1, 2].map(() => parent.ctx.delegate("led")));
    for (const { id } of children) {
      const its = await begun.get(id)?.promise;
      for (let i = 0; i < 32; i++) await its?.ctx.result.write(piece);
      its?.end();
      await viewer.terminal(id);
    }
    await settled();
    let turn = 0;
    let isOver = false;
    const count = (): void => {
      turn += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    const turns: number[] = [];
    const { read } = store.logs;
    store.logs.read = (...asked) => {
      turns.push(turn);
      return read(...asked);
    };
    const results = await Promise.all(children.map((child) => child.result()));
    isOver = true;
    const expected = whole(Array(32).fill(piece));
    for (const result of results)
      expect(Buffer.from(result as string)).toEqual(Buffer.from(expected));
    expect(turns.length).toBeGreaterThanOrEqual(8);
    expect(new Set(turns).size).toBe(turns.length);
  },
);

test("R-10-7: a parent gets what the child returned, even if the child changes it afterwards", async () => {
  const { parent, begun, viewer } = await delegating();
  const child = await parent.ctx.delegate("led");
  const state = { made: 1 };
  (await begun.get(child.id)?.promise)?.end(state);
  expect((await viewer.terminal(child.id)).payload.result).toEqual({ made: 1 });
  state.made = 2;
  expect(await child.result()).toEqual({ made: 1 });
});

test("R-10-7: a parent that asks for a result repeatedly leaves nothing behind while it waits", async () => {
  const { parent, begun } = await delegating();
  const child = await parent.ctx.delegate("led");
  const waiting = dense(100).map(() => child.result());
  expect(getEventListeners(parent.ctx.signal, "abort")).toHaveLength(1);
  (await begun.get(child.id)?.promise)?.end("done");
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["done"]));
  await settled();
  expect(getEventListeners(parent.ctx.signal, "abort")).toHaveLength(0);
});

test.each([
  ["gives up for the signal's reason", (signal: AbortSignal) => signal.throwIfAborted()],
  ["is torn from a timer", (signal: AbortSignal) => setTimeout(60_000, null, { signal })],
  ["fails to tidy up", () => Promise.reject(new Error("oh"))],
])("R-10-6: a child that must stop with its parent and %s is cancelled", async (_, giveUp) => {
  const stopping = defineAgent({
    name: "stopping",
    async run({ signal }) {
      await once(signal, "abort");
      await giveUp(signal);
    },
  });
  const { runtime, start } = hosting({ agents: [stopping] });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const parent = await start(viewer, { lease_request: { "agent.delegate": ["stopping"] } });
  const child = await parent.ctx.delegate("stopping");
  await settled();
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: parent.id }));
  expect((await viewer.terminal(child.id)).payload).toMatchObject({
    final_status: "cancelled",
    code: "CANCELLED",
    details: { reason: "parent_ended" },
  });
  parent.end();
  expect((await viewer.terminal(parent.id)).payload.final_status).toBe("cancelled");
});

test("R-10-7: a parent that asks for a result only after its own end is told so, and nothing is left unhandled", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => void process.off("unhandledRejection", unhandled));
  const { parent, viewer } = await delegating();
  const child = await parent.ctx.delegate("led");
  parent.end();
  await viewer.terminal(child.id);
  await expect(child.result()).rejects.toMatchObject({ code: "CANCELLED" });
  await settled();
  expect(unhandled).not.toHaveBeenCalled();
});

test("R-10-7: a parent may wait for any number of children without a leak warning", async () => {
  const { parent, begun } = await delegating();
  const children = await Promise.all(dense(20).map(() => parent.ctx.delegate("led")));
  await settled();
  const results = Promise.all(children.map((child) => child.result()));
  for (const { id } of children) (await begun.get(id)?.promise)?.end(id);
  expect(await results).toEqual(children.map(({ id }) => id));
  expect(getMaxListeners(parent.ctx.signal)).toBe(0);
});

test("R-D-12 and R-7.2-6: a client's child is accepted once stored, even if its parent ends meanwhile", async () => {
  const { store, viewer, parent, rows, begun } = await delegating();
  store.held.logs.hold();
  const keyed = { parent_job_id: parent.id, idempotency_key: "k" };
  const submitted = viewer.submit("led", null, keyed);
  await settled();
  parent.end("gone");
  await settled();
  await store.held.logs.open();
  const { type, job_id } = await submitted;
  expect(type).toBe("job.accepted");
  expect((await viewer.terminal(job_id)).payload).toMatchObject({
    details: { reason: "parent_ended" },
  });
  expect((await viewer.submit("led", null, keyed)).job_id).toBe(job_id);
  expect(begun.size).toBe(1);
  expect(await rows()).toHaveLength(2);
});

const cut: Policy["grant"] = (_principal, requested, agent) =>
  agent === "other"
    ? { ...requested, "tool.call": ["ocr.page"], "cost.budget": ["USD:2"] }
    : requested;
const wide = { "tool.call": ["ocr.*"], "cost.budget": ["USD:4"] };

async function granting() {
  const other = defineAgent({ name: "other", run: async ({ lease }) => lease });
  const { runtime, start } = hosting({ agents: [other], policy: { grant: cut } });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const lease_request = { ...wide, "agent.delegate": ["other"], "cost.budget": ["USD:5"] };
  return { viewer, parent: await start(viewer, { lease_request }) };
}

test("R-7.1-3 and R-D-12: a submit that names a parent gets no more than the policy grants for its agent", async () => {
  const { viewer, parent } = await granting();
  const granted = { "tool.call": ["ocr.page"], "cost.budget": ["USD:2"] };
  const submit = (lease_request: Lease) =>
    viewer.submit("other", null, { parent_job_id: parent.id, lease_request });
  const { job_id, payload } = await submit(wide);
  expect(payload).toMatchObject({ lease: granted, budget: { USD: 2 } });
  expect((await viewer.terminal(job_id)).payload.result).toEqual(granted);
  const told = viewer.stream.find(({ payload: { kind } }) => kind === "delegate");
  expect(told?.payload.body?.lease_request).toEqual(granted);
  // What the parent does not have is refused, even if the policy would have cut it.
  expect((await submit({ "tool.call": ["*"] })).payload.code).toBe("LEASE_SUBSET_VIOLATION");
  // So is a budget that the policy adds and the parent can no longer afford.
  await parent.ctx.metric({ name: "cost.pages", value: 3.5, unit: "USD" });
  const unnamed = await submit({ "tool.call": ["ocr.*"] });
  expect(unnamed.payload.code).toBe("LEASE_SUBSET_VIOLATION");
  // A policy that widens the lease is not obeyed here either.
  expect((await submit({ "cost.budget": ["USD:1"] })).payload.code).toBe("INTERNAL_ERROR");
});

test("R-9.3-2: a policy is asked after the lease; if it fails, that one delegation is refused and no job ends", async () => {
  let fails = false;
  const policy: Policy = {
    maySubmit: () => {
      if (fails) throw new Error("the directory does not answer");
      return true;
    },
  };
  const lines: unknown[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const { runtime, start } = hosting({ policy, logger: pino({ level: "error" }, { write }) });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const parent = await start(viewer, { lease_request });
  fails = true;
  await expect(parent.ctx.delegate("other")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  await expect(parent.ctx.delegate("led")).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
    message: expect.not.stringContaining("directory"),
  });
  const why = { message: "the directory does not answer" };
  expect(lines).toMatchObject([{ msg: "a delegation failed", job: parent.id, err: why }]);
  fails = false;
  await expect(parent.ctx.delegate("led")).resolves.toBeDefined();
});

test("R-7.1-3: a policy does not cut what an agent delegates, which only the agent's lease bounds", async () => {
  const { parent } = await granting();
  const child = await parent.ctx.delegate("other", null, { lease: wide });
  expect(await child.result()).toEqual(wide);
});

test("R-10-2 and R-5.2-2: a delegation is announced with times in our format, whatever the submit's", async () => {
  const { runtime, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello([...ALL_FEATURES, "lease_expires_at"]);
  const parent = await start(viewer, { lease_request: { "agent.delegate": ["led"] } });
  const at = formatTimestamp(clock.now() + 60_000);
  const expires_at = at.replace("Z", `${"0".repeat(1024 * 1024)}Z`);
  const rest = { parent_job_id: parent.id, lease_constraints: { expires_at } };
  const { type, payload } = await viewer.submit("led", null, rest);
  expect([type, payload.lease_constraints]).toEqual(["job.accepted", { expires_at: at }]);
  const told = viewer.stream.find(({ payload: { kind } }) => kind === "delegate");
  expect(told?.payload.body).toMatchObject({
    child_job_id: payload.job_id,
    lease_constraints: { expires_at: at },
  });
});

test("R-9.4-5 and R-9.5-5: a child delegated after the wall clock was set back expires with its parent", async () => {
  const { runtime, clock, start, begun } = hosting({ endJobsAtExpiry: false });
  const viewer = new Viewer(runtime);
  await viewer.hello([...ALL_FEATURES, "lease_expires_at"]);
  const expires_at = formatTimestamp(clock.now() + 60_000);
  const rest = { lease_request: { "agent.delegate": ["led"] }, lease_constraints: { expires_at } };
  const parent = await start(viewer, rest);
  clock.jump(-3_600_000);
  const lease = { "agent.delegate": ["led"] };
  const { id } = await parent.ctx.delegate("led", null, { lease });
  await settled();
  const child = await begun.get(id)?.promise;
  expect(child?.ctx.job.id).toBe(id);
  clock.advance(59_999);
  child?.ctx.authorize("agent.delegate", "led");
  clock.advance(1);
  expect(() => child?.ctx.authorize("agent.delegate", "led")).toThrow(
    expect.objectContaining({ code: "LEASE_EXPIRED" }),
  );
});

test("R-9.6-8: what a child spends after its end is charged to those ancestors that still run", async () => {
  const hosted = hosting({ models: { "mistral/large-3": { input: { USD: "1000000" } } } });
  const viewer = new Viewer(hosted.runtime);
  await viewer.hello(features);
  const within = { "agent.delegate": ["led"], "model.use": ["mistral/*"] };
  const parent = await hosted.start(viewer, {
    lease_request: { ...within, "cost.budget": ["USD:10"] },
  });
  const delegate = async ({ ctx }: typeof parent, budget: string): Promise<typeof parent> => {
    const { id } = await ctx.delegate("led", null, {
      lease: { ...within, "cost.budget": [budget] },
    });
    await settled();
    const job = await hosted.begun.get(id)?.promise;
    if (job === undefined) throw new Error("unreachable");
    return { id: id as typeof parent.id, ...job };
  };
  const child = await delegate(parent, "USD:9");
  const below = await delegate(child, "USD:4");
  const answer = Promise.withResolvers<void>();
  const calls = [child, below].map(({ ctx }) =>
    ctx.model("mistral/large-3", { reserve: { input: 4 } }).call(
      () => answer.promise,
      () => ({ input: 2 }),
    ),
  );
  child.end();
  await viewer.terminal(child.id);
  expect(parent.ctx.budget.available()).toEqual({ USD: "10" });
  answer.resolve();
  await Promise.all(calls);
  await child.ctx.metric({ name: "cost.rest", value: 0.5, unit: "USD" });
  expect(parent.ctx.budget.remaining()).toEqual({ USD: "5.5" });
  parent.end();
  await viewer.terminal(parent.id);
  const told = viewer.stream.filter(({ payload }) => payload.body?.name?.startsWith("cost."));
  expect(new Set(told.map(({ job_id }) => job_id))).toEqual(new Set([parent.id]));
  expect(told.at(-1)?.payload.body).toMatchObject({ name: "cost.budget.remaining", value: 5.5 });
});

/** The contexts of a job with some permissions, and of a child that gets a narrower pattern. */
async function handedOn(
  capability: "fs.read" | "fs.write" | "net.fetch",
  own: string,
  narrower: string,
) {
  const { runtime, start, begun } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const lease = { "agent.delegate": ["led"], [capability]: [own] };
  const parent = await start(viewer, { lease_request: lease });
  const { id } = await parent.ctx.delegate("led", null, { lease: { [capability]: [narrower] } });
  await expect.poll(() => begun.has(id)).toBe(true);
  const child = await begun.get(id)?.promise;
  if (child === undefined) throw new Error("the child has not begun");
  return [parent.ctx, child.ctx];
}

test("R-9.4-1, R-9.2-7: a child whose lease names a private host cannot reach it through its parent's wildcard", async () => {
  await using there = await site();
  for (const ctx of await handedOn("net.fetch", "http://**", `${there.origin}/**`)) {
    await expect(ctx.fetch(there.origin)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  }
  const other = there.origin.replace("127.0.0.1", "localhost");
  for (const ctx of await handedOn("net.fetch", "http://**", `${other}/**`)) {
    await expect(ctx.fetch(other)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  }
  expect(there.received).toEqual([]);
  for (const ctx of await handedOn("net.fetch", `${there.origin}/**`, `${there.origin}/`)) {
    expect((await ctx.fetch(there.origin)).status).toBe(200);
  }
});

test("R-9.4-1, R-9.2-7: a child whose lease names a link gets behind it no more than its parent", async () => {
  await using folder = await mkdtempDisposable(join(await realpath(tmpdir()), "arcp-"));
  const [own, foreign] = [join(folder.path, "own"), join(folder.path, "foreign")];
  await Promise.all([mkdir(own), mkdir(foreign)]);
  await writeFile(join(foreign, "secret"), "secret");
  await writeFile(join(own, "open"), "open");
  const link = join(own, "link");
  await symlink(foreign, link);
  for (const ctx of await handedOn("fs.read", `${own}/**`, `${link}/**`)) {
    const read = ctx.fs.readText(join(link, "secret"));
    await expect(read).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  }
  for (const ctx of await handedOn("fs.read", `${own}/**`, `${own}/*`)) {
    expect(await ctx.fs.readText(join(own, "open"))).toBe("open");
  }
  for (const ctx of await handedOn("fs.write", `${own}/**`, `${link}/**`)) {
    const written = ctx.fs.writeFile(join(link, "secret"), "overwritten");
    await expect(written).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  }
  expect(await readFile(join(foreign, "secret"), "utf8")).toBe("secret");
  for (const [n, ctx] of (await handedOn("fs.write", `${own}/**`, `${own}/*`)).entries()) {
    await ctx.fs.writeFile(join(own, "open"), `${n}`);
    expect(await readFile(join(own, "open"), "utf8")).toBe(`${n}`);
  }
});
