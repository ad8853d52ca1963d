import { ArcpError, type JobId, LocalError } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { pino } from "pino";
import { expect, test } from "vitest";
import { FakeUpstream } from "../test/fake-upstream.ts";
import { heldStore, settled } from "../test/held-store.ts";
import { hosts } from "../test/hosts.ts";
import { Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import { readStreamedResult } from "./agents/streamed-result.ts";
import { allowAnonymous } from "./auth.ts";
import { createRuntime, type Runtime } from "./runtime.ts";
import type { RuntimeOptions } from "./runtime-options.ts";
import type { CredentialRow, JobIndex, LogStore } from "./store/index.ts";
import { memoryStore } from "./store/memory-store.ts";

const FEATURES = ["provisioned_credentials", "subscribe", "cost.budget", "model.use", "list_jobs"];
const HERE = { address: "127.0.0.1", loopback: true };

/** Consecutive processes with an upstream that outlives them. */
function machine(options: Parameters<typeof hosts>[0] = {}) {
  const upstream = new FakeUpstream();
  const lines: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const all = hosts({ provisioners: { llm: upstream }, logger, ...options });
  const view = async (runtime: Runtime, features = FEATURES, token = "secret") => {
    const viewer = new Viewer(runtime, { peer: HERE });
    const welcome = await viewer.hello(features, token);
    return Object.assign(viewer, { welcome });
  };
  const begin = async (again: Partial<RuntimeOptions> = {}, rest: object = {}) => {
    const runtime = all.start(again);
    const viewer = await view(runtime);
    const job = await all.submit(viewer, rest);
    const accepted = await viewer.find(({ type }) => type === "job.accepted");
    const [credential] = accepted.payload.credentials;
    return { runtime, viewer, job, accepted, credential };
  };
  /** Lets time pass in steps, so that what one timer triggers is in place when the next is due. */
  const pass = async (ms: number, steps = 10) => {
    for (let step = 0; step < steps; step++) {
      all.clock.advance(ms / steps);
      await settled();
    }
  };
  const outstanding = () => all.store.credentials.list();
  return { ...all, upstream, lines, view, begin, pass, outstanding };
}

test("R-9.8-1: provisioners without a durable store are a configuration error", () => {
  const options = { agents: [], auth: allowAnonymous(), provisioners: { llm: new FakeUpstream() } };
  expect(() => createRuntime(options)).toThrow(LocalError);
  expect(() => createRuntime(options)).toThrow("durable store");
  const store = { ...memoryStore(), durable: true };
  const named = { ...options, store, provisioners: { "a b": new FakeUpstream() } };
  expect(() => createRuntime(named)).toThrow("name of a provisioner");
});

test("R-9.8-1, R-4.1-5: the feature is offered if there is a provisioner and secrets may travel", async () => {
  const { start } = machine();
  const runtime = start();
  const offers = async (peer: object | undefined, of = runtime): Promise<boolean> => {
    const viewer = new Viewer(of, peer === undefined ? {} : { peer: { address: "", ...peer } });
    const { payload } = await viewer.hello(FEATURES);
    return payload.capabilities.features.includes("provisioned_credentials");
  };
  expect(await offers({ loopback: true })).toBe(true);
  expect(await offers({ secure: true })).toBe(true);
  expect(await offers({})).toBe(false);
  expect(await offers({ secure: false, loopback: false })).toBe(false);
  expect(await offers(undefined)).toBe(false);
  expect(await offers({ loopback: true }, start({ provisioners: {} }))).toBe(false);
});

test("R-9.8-2, R-9.8-3: a job has its own credential before it is accepted, with its budget, models and expiry", async () => {
  const { start, view, upstream, clock } = machine();
  const viewer = await view(start());
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const rest = {
    lease_request: { "cost.budget": ["EUR:1.50"], "model.use": ["mistral/*"] },
    max_runtime_sec: 60,
  };
  const replies = [1, 2].map(() => viewer.submit("led", null, rest));
  await expect.poll(() => upstream.orders.length).toBe(2);
  await settled();
  expect(viewer.frames.filter(({ type }) => type === "job.accepted")).toEqual([]);
  held.resolve();
  const accepted = await Promise.all(replies);
  const credentials = accepted.map(({ payload }) => payload.credentials);
  expect(credentials.map(([{ value }]) => value).sort()).toEqual([...upstream.values].sort());
  expect(credentials[0]).toEqual([
    {
      id: `cred-${accepted[0]?.job_id?.slice(4)}-llm`,
      scheme: "bearer",
      value: expect.stringMatching(/^sk-/),
      endpoint: "https://llm.example/v1",
      profile: "openai",
      constraints: { "model.use": ["mistral/*"] },
    },
  ]);
  expect(upstream.orders[0]).toMatchObject({
    alias: expect.stringMatching(/^[\x21-\x7e]{8,64}$/),
    job: {
      principal: "alice",
      agent: expect.stringMatching(/^led/),
      // An upstream is a service that the runtime calls (R-11-5).
      traceId: accepted[0]?.payload.trace_id,
    },
    budget: { EUR: "1.5" },
    models: ["mistral/*"],
    expiresAt: clock.now() + 60_000,
  });
});

test("R-9.8-2: an upstream that gives two jobs the same value has issued no credential to the second", async () => {
  const { begin, view, upstream, runtime: _, ...rest } = { runtime: 0, ...machine() };
  upstream.value = () => "sk-the-very-same-value";
  const { runtime } = await begin();
  const refused = await (await view(runtime)).submit("led");
  expect(refused).toMatchObject({ type: "session.error", payload: { code: "INTERNAL_ERROR" } });
  await settled();
  expect(upstream.alive.size).toBe(1);
  expect(await rest.outstanding()).toHaveLength(1);
});

test("R-9.8-4: what must be revoked is durable before the upstream is asked, and no value ever is", async () => {
  const { begin, upstream, store, outstanding } = machine();
  const { insert } = store.credentials;
  const [reached, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.credentials.insert = async (row) => {
    reached.resolve();
    await written.promise;
    await insert.call(store.credentials, row);
  };
  const asked: unknown[] = [];
  upstream.onIssue = async ({ alias, job }) => {
    asked.push({ alias, rows: await outstanding(), jobs: await store.jobs.get(job.id) });
  };
  const begun = begin();
  await reached.promise;
  await settled();
  expect(upstream.orders).toEqual([]);
  written.resolve();
  const { job } = await begun;
  expect(asked).toMatchObject([
    { alias: expect.any(String), rows: [{ job: job.id, provisioner: "llm" }], jobs: undefined },
  ]);
  const rows = await outstanding();
  expect(rows.map(({ alias }) => alias)).toEqual([...upstream.alive.keys()]);
  expect(JSON.stringify(rows)).not.toContain(upstream.values[0]);
});

test.each(["before", "after"])(
  "R-9.8-4: a crash right %s the upstream made it leaves no credential alive",
  async (moment) => {
    const { start, view, upstream, outstanding, pass } = machine();
    const viewer = await view(start());
    const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    upstream[moment === "before" ? "onIssue" : "onIssued"] = () => {
      reached.resolve();
      return held.promise;
    };
    void viewer.submit("led");
    await reached.promise;
    start();
    await settled();
    // The order in flight arrives after the next process has already looked for it.
    held.resolve();
    await settled();
    await pass(10_000);
    expect(upstream.values).toHaveLength(1);
    expect(upstream.alive.size).toBe(0);
    expect(await outstanding()).toEqual([]);
  },
);

test("R-9.8-5: if the second of two credentials cannot be issued, the submit fails and the first is revoked", async () => {
  const [one, two] = [new FakeUpstream(), new FakeUpstream()];
  const { start, view, lines, outstanding, store } = machine({ provisioners: { one, two } });
  const leak = "sk-in-the-error-of-the-upstream";
  two.onIssued = () => {
    throw Object.assign(new Error(`made ${leak}`), { status: 502, cause: new SyntaxError(leak) });
  };
  const viewer = await view(start());
  const { type, payload } = await viewer.submit("led");
  expect({ type, ...payload }).toMatchObject({
    type: "session.error",
    code: "INTERNAL_ERROR",
    retryable: true,
    details: { reason: "credential_issue" },
  });
  await settled();
  for (const upstream of [one, two]) {
    expect(upstream.values).toHaveLength(1);
    expect(upstream.alive.size).toBe(0);
  }
  expect(await outstanding()).toEqual([]);
  expect(await store.jobs.list({ limit: 10 })).toEqual([]);
  expect(lines.join()).toContain("Error 502 SyntaxError");
  expect(lines.join() + JSON.stringify(viewer.frames)).not.toContain(leak);
});

test.each([
  ["a value that is no bearer token", { value: "two words, of which none is" }],
  ["an endpoint that is no URL", { endpoint: "llm" }],
  ["a profile that is no text", { profile: 5 }],
  ["constraints that are a list", { constraints: [] }],
  ["constraints that are no JSON", { constraints: { "cost.budget": [1n] } }],
])("R-9.8-5: a credential with %s, which no client could read, is revoked", async (_, wrong) => {
  const { start, view, upstream, pass, outstanding } = machine();
  const issue = upstream.issue.bind(upstream);
  upstream.issue = async (order) => ({ ...(await issue(order)), ...(wrong as object) });
  const { payload } = await (await view(start())).submit("led");
  expect(payload).toMatchObject({
    code: "INTERNAL_ERROR",
    details: { reason: "credential_issue" },
  });
  await pass(1000);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
});

test("R-5.2-1: a field that an upstream sets to null is left out of the credential", async () => {
  const { begin, upstream } = machine();
  const issue = upstream.issue.bind(upstream);
  const nothing = { profile: null, constraints: null } as object;
  upstream.issue = async (order) => ({ ...(await issue(order)), ...nothing });
  const { credential } = await begin();
  expect(Object.keys(credential).sort()).toEqual(["endpoint", "id", "scheme", "value"]);
});

test("R-9.8-5: a job for which the upstream issues no credential is accepted without one", async () => {
  const { start, view, nextRun, upstream, outstanding, pass } = machine();
  upstream.issue = async () => undefined as never;
  const viewer = await view(start());
  const run = nextRun();
  const { type, job_id, payload } = await viewer.submit("led");
  expect(type).toBe("job.accepted");
  expect(payload).not.toHaveProperty("credentials");
  const { ctx, end } = await run;
  expect(ctx.credentials.size).toBe(0);
  await pass(1000);
  expect(await outstanding()).toEqual([]);
  end("done");
  expect((await viewer.terminal(job_id)).type).toBe("job.result");
});

test("R-9.8-5: an upstream may answer BUDGET_EXHAUSTED, but its message is not passed on", async () => {
  const { start, view, upstream, outstanding, pass } = machine();
  upstream.onIssue = () => {
    throw new ArcpError("BUDGET_EXHAUSTED", "no money on sk-the-master-key");
  };
  const viewer = await view(start());
  const { payload } = await viewer.submit("led");
  expect(payload).toMatchObject({ code: "BUDGET_EXHAUSTED" });
  expect(payload.message).not.toContain("master");
  await pass(100);
  // It answered: there is nothing it may have made, so nothing is looked for.
  expect(await outstanding()).toEqual([]);
  expect(upstream.revocations).toHaveLength(1);
});

test("R-9.8-5, R-9.8-6: an issue that takes too long has failed, and its late result is revoked", async () => {
  const { start, view, upstream, outstanding, clock } = machine();
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const viewer = await view(start());
  const reply = viewer.submit("led");
  await expect.poll(() => upstream.orders.length).toBe(1);
  clock.advance(9_999);
  await settled();
  expect(upstream.orders[0]?.signal.aborted).toBe(false);
  clock.advance(1);
  expect((await reply).payload).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(upstream.orders[0]?.signal.aborted).toBe(true);
  await settled();
  // The upstream knows no credential, but the order may still be in flight.
  expect(upstream.revocations).toHaveLength(1);
  expect(await outstanding()).toHaveLength(1);
  held.resolve();
  await settled();
  expect(upstream.values).toHaveLength(1);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
});

test("R-9.8-6: an order that is never answered is looked for until it cannot arrive any more", async () => {
  const { start, view, upstream, outstanding, pass } = machine();
  upstream.onIssue = () => {
    throw new TypeError("fetch failed");
  };
  const viewer = await view(start());
  await viewer.submit("led");
  await pass(240_000, 100);
  expect(await outstanding()).toHaveLength(1);
  await pass(120_000, 100);
  expect(await outstanding()).toEqual([]);
  expect(upstream.revocations.length).toBeLessThan(20);
});

test.each([
  { way: "set back", ms: -86_400_000, again: false },
  { way: "set ahead", ms: 86_400_000, again: false },
  { way: "set back between two processes", ms: -86_400_000, again: true },
])(
  "R-9.8-6: an unanswered order is looked for just as long if the wall clock is $way",
  async ({ ms, again }) => {
    const { start, view, upstream, outstanding, pass, clock } = machine();
    upstream.onIssue = () => {
      throw new TypeError("fetch failed");
    };
    const viewer = await view(start());
    await viewer.submit("led");
    clock.jump(ms);
    if (again) start();
    await pass(240_000, 100);
    expect(await outstanding()).toHaveLength(1);
    await pass(120_000, 100);
    expect(await outstanding()).toEqual([]);
  },
);

test("R-9.8-6: a job that is not accepted despite its credential leaves none", async () => {
  const { start, view, upstream, outstanding, store } = machine();
  const jobs: JobIndex = {
    insert: () => Promise.reject(new Error("disk full")),
    update: (id, change) => store.jobs.update(id, change),
    get: (id) => store.jobs.get(id),
    list: (query) => store.jobs.list(query),
    remove: (id) => store.jobs.remove(id),
  };
  const viewer = await view(start({ store: { ...store, jobs, durable: true } }));
  expect((await viewer.submit("led")).payload).toMatchObject({ code: "INTERNAL_ERROR" });
  await settled();
  expect(upstream.values).toHaveLength(1);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
});

const endings = {
  success: ({ job }) => job.end("done"),
  error: ({ job }) => job.end(Promise.reject(new Error("failed"))),
  cancel: ({ viewer, job }) => viewer.send("job.cancel", {}, { job_id: job.id }),
  timeout: ({ pass }) => pass(30_000),
  expiry: ({ pass }) => pass(60_000),
  stall: ({ pass }) => pass(20_000),
  "the runtime's close": ({ runtime }) => runtime.close(),
  crash: ({ start }) => void start(),
} satisfies Record<
  string,
  (
    context: ReturnType<typeof machine> & Awaited<ReturnType<ReturnType<typeof machine>["begin"]>>,
  ) => unknown
>;

test.each(Object.entries(endings))(
  "R-9.8-6: a credential is revoked when its job ends by %s",
  async (name, end) => {
    const all = machine({
      led: name === "stall" ? { stallSec: 10 } : {},
      limits: { cancelGraceSec: 1 },
    });
    const rest = {
      ...(name === "timeout" && { max_runtime_sec: 20 }),
      ...(name === "expiry" && {
        lease_constraints: { expires_at: new Date(all.clock.now() + 40_000).toISOString() },
      }),
    };
    const viewer = { features: [...FEATURES, "lease_expires_at"] };
    const runtime = all.start();
    const seen = await all.view(runtime, viewer.features);
    const job = await all.submit(seen, rest);
    expect(all.upstream.alive.size).toBe(1);
    await end({ ...all, runtime, viewer: seen, job } as never);
    await all.pass(2000);
    expect(all.upstream.alive.size).toBe(0);
    expect(await all.outstanding()).toEqual([]);
    expect(all.upstream.revocations).toHaveLength(1);
  },
);

test("R-9.8-7: revocation has begun when the end is sent, and does not delay it", async () => {
  const { start, submit, upstream, outstanding } = machine();
  const asked: boolean[] = [];
  const runtime = start();
  const viewer = new Viewer(runtime, {
    peer: HERE,
    tap: () => asked.push(upstream.revocations.length > 0),
  });
  await viewer.hello(FEATURES);
  const job = await submit(viewer);
  upstream.onRevoke = () => new Promise(() => {});
  await settled();
  const before = asked.length;
  job.end("done");
  await viewer.terminal(job.id);
  expect(asked.slice(before)).not.toContain(false);
  expect(await outstanding()).toHaveLength(1);
  expect(runtime.credentials.list()).toMatchObject([{ job: job.id, state: "revoking" }]);
});

test("R-9.8-8: a failed revocation is retried and reported, also by the next process", async () => {
  const { begin, start, upstream, lines, pass, outstanding } = machine();
  upstream.onRevoke = () => {
    throw Object.assign(new Error(`cannot revoke ${upstream.values[0]}`), { status: 503 });
  };
  const { runtime, job } = await begin();
  job.end("done");
  await settled();
  expect(upstream.revocations).toHaveLength(1);
  await pass(500);
  expect(upstream.revocations).toHaveLength(2);
  await pass(500);
  expect(upstream.revocations).toHaveLength(2);
  await pass(7_000, 70);
  expect(upstream.revocations).toHaveLength(5);
  expect(runtime.credentials.list()).toMatchObject([
    { job: job.id, provisioner: "llm", state: "revoking", failures: 5, lastFailure: "Error 503" },
  ]);
  const reported = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50);
  expect(reported).toMatchObject([{ job: job.id, provisioner: "llm", failure: "Error 503" }]);
  expect(runtime.credentials.retry()).toBe(1);
  await settled();
  expect(upstream.revocations).toHaveLength(6);

  const next = start();
  await settled();
  expect(upstream.revocations).toHaveLength(7);
  upstream.onRevoke = () => {};
  await pass(60_000, 600);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
  expect(next.credentials.list()).toEqual([]);
  expect(lines.join()).not.toContain(upstream.values[0]);
});

test("R-9.8-8: credentials of a removed provisioner are listed until the operator has dealt with them", async () => {
  const { begin, start, outstanding, upstream } = machine();
  const { runtime: first } = await begin();
  const [row] = await outstanding();
  await expect(first.credentials.forget(row?.alias ?? "")).rejects.toThrow("cancel");
  const runtime = start({ provisioners: {} });
  await settled();
  expect(runtime.credentials.list()).toMatchObject([
    { state: "revoking", lastFailure: "UnknownProvisioner", failures: 1 },
  ]);
  expect(upstream.alive.size).toBe(1);
  expect(await runtime.credentials.forget("unknown")).toBe(false);
  expect(await runtime.credentials.forget(row?.alias ?? "")).toBe(true);
  expect(runtime.credentials.list()).toEqual([]);
  expect(await outstanding()).toEqual([]);
});

test("R-9.8-9, R-7.6-9: a rotation is sent to the owner alone, and the former value is revoked once", async () => {
  const { begin, view, upstream, outstanding, store } = machine({
    policy: { mayObserve: () => true },
  });
  const { runtime, viewer, job, credential } = await begin();
  const watchers = await Promise.all([view(runtime), view(runtime, FEATURES, "other")]);
  for (const watcher of watchers) {
    await watcher.reply(watcher.send("job.subscribe", { job_id: job.id }, { job_id: job.id }));
  }
  expect(job.ctx.credentials.get("llm")).toMatchObject({ value: upstream.values[0] });
  const known: boolean[] = [];
  upstream.onRevoke = async () => {
    const { records } = await store.logs.read(job.id as never, 0, { records: 99, characters: 9e9 });
    known.push(records.some(({ kind }) => kind === "credential_rotated"));
  };
  await runtime.credentials.rotate(job.id);
  const [former, current] = upstream.values;
  expect(job.ctx.credentials.get("llm")?.value).toBe(current);
  const told = await viewer.find(({ payload }) => payload.body?.phase === "credential_rotated");
  expect(told.payload.body).toEqual({
    phase: "credential_rotated",
    id: credential.id,
    value: current,
  });
  await settled();
  expect(known).toEqual([true]);
  expect([...upstream.alive.values()]).toEqual([current]);
  expect(upstream.revocations).toHaveLength(1);
  expect(await outstanding()).toHaveLength(1);
  job.end("done");
  for (const watcher of watchers) {
    await watcher.terminal(job.id);
    expect(JSON.stringify(watcher.frames)).not.toContain("credential_rotated");
    expect(JSON.stringify(watcher.frames)).not.toContain(current);
  }
  // Of the submitter's principal, a viewer that subscribed saw what was in force then.
  expect(JSON.stringify(watchers[0]?.frames)).toContain(former);
  expect(JSON.stringify(watchers[1]?.frames)).not.toContain(former);
  await settled();
  expect(upstream.alive.size).toBe(0);
});

test("R-9.8-9: a failed rotation leaves the former value in force", async () => {
  const { begin, upstream, outstanding, pass } = machine();
  const { runtime, viewer, job } = await begin();
  upstream.onIssue = () => {
    throw new ArcpError("INTERNAL_ERROR", "not now");
  };
  await expect(runtime.credentials.rotate(job.id)).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
  });
  await expect(runtime.credentials.rotate(job.id, "other")).rejects.toThrow(
    "no credential of other",
  );
  await expect(runtime.credentials.rotate("job_x")).rejects.toMatchObject({
    code: "JOB_NOT_FOUND",
  });
  await pass(1000);
  expect(job.ctx.credentials.get("llm")?.value).toBe(upstream.values[0]);
  expect(upstream.alive.size).toBe(1);
  expect(await outstanding()).toHaveLength(1);
  job.end("done");
  await viewer.terminal(job.id);
  expect(JSON.stringify(viewer.frames)).not.toContain("credential_rotated");
});

test("R-9.8-6: a job that ends during a rotation leaves nothing alive", async () => {
  const { begin, upstream, outstanding, pass } = machine();
  const { runtime, viewer, job } = await begin();
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const rotation = runtime.credentials.rotate(job.id);
  const failed = expect(rotation).rejects.toThrow();
  await expect.poll(() => upstream.orders.length).toBe(2);
  job.end("done");
  await viewer.terminal(job.id);
  expect(upstream.orders[1]?.signal.aborted).toBe(true);
  held.resolve();
  await failed;
  await pass(1000);
  expect(upstream.values).toHaveLength(2);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
  expect(JSON.stringify(viewer.frames)).not.toContain(upstream.values[1]);
});

test("R-9.8-10: whatever an agent emits, its credential is in no record and no log line", async () => {
  const said: unknown[] = [];
  const told = defineAgent({
    name: "talkative",
    async run(ctx) {
      const value = ctx.credentials.get("llm")?.value ?? "";
      said.push(value);
      await ctx.log.info(`my key is ${value}`, { [value]: { deep: [value] } });
      await ctx.thought(value);
      await ctx.status(value);
      await ctx.emit("x-vendor.acme.note", { value });
      await ctx.tools.call("echo", { key: value }).catch(() => {});
      await ctx.checkpoint({ value });
      await ctx.flush();
      throw Object.assign(new Error(`401 Incorrect API key provided: ${value}`), { key: value });
    },
  });
  const { start, view, store, lines, upstream } = machine({
    agents: [told],
    tools: { echo: (args) => args },
  });
  const viewer = await view(start());
  const { job_id: id } = await viewer.submit("talkative", null, {
    lease_request: { "tool.call": ["echo"] },
  });
  await viewer.terminal(id);
  await settled();
  const [value = ""] = upstream.values;
  expect(said).toEqual([value]);
  const page = await store.logs.read(id as never, 0, { records: 100, characters: 1e9 });
  const kept = JSON.stringify([page, await store.jobs.get(id as never)]);
  expect(kept).not.toContain(value);
  expect(kept).toContain("my key is [redacted]");
  expect(JSON.stringify(viewer.stream)).not.toContain(value);
  expect(lines.join()).not.toContain(value);
  expect(lines.join()).toContain("Incorrect API key provided: [redacted]");
});

test("R-9.8-10, R-6.6-3: what an agent returns is redacted too, and no listing contains a credential", async () => {
  const { begin } = machine();
  const { viewer, job, credential } = await begin();
  const listing = await viewer.reply(viewer.send("session.list_jobs", {}));
  expect(listing.payload.jobs).toHaveLength(1);
  expect(JSON.stringify(listing)).not.toContain(credential.value);
  expect(JSON.stringify(listing)).not.toContain("credentials");
  job.end({ key: credential.value });
  const { payload } = await viewer.terminal(job.id);
  expect(payload.result).toEqual({ key: "[redacted]" });
});

test("R-9.8-11, R-6.3-8: a resume replays the same numbers with the current values, and none after the end", async () => {
  const { begin, upstream } = machine();
  const { runtime, viewer, job } = await begin();
  await runtime.credentials.rotate(job.id);
  await runtime.credentials.rotate(job.id);
  await viewer.find(({ payload }) => payload.body?.value === upstream.values[2]);
  const again = async (after: number, from: { welcome: (typeof viewer)["welcome"] }) => {
    const next = new Viewer(runtime, { peer: HERE });
    const welcome = await next.resume(from.welcome, after);
    await next.find(({ event_seq }) => event_seq === viewer.stream.length);
    return Object.assign(next, { welcome });
  };
  const second = await again(0, viewer);
  expect(second.seqs).toEqual(viewer.seqs);
  const rotations = (of: Viewer) =>
    of.stream.filter(({ payload }) => payload.body?.phase === "credential_rotated");
  expect(rotations(viewer).map(({ payload }) => payload.body.value)).toEqual(
    upstream.values.slice(1),
  );
  expect(rotations(second).map(({ payload }) => payload.body.value)).toEqual(
    [2, 2].map((index) => upstream.values[index]),
  );
  expect(rotations(second).map(({ id }) => id)).toEqual(rotations(viewer).map(({ id }) => id));
  const repeated = second.frames.find(({ type }) => type === "job.accepted");
  expect(repeated?.payload.credentials).toMatchObject([{ value: upstream.values[2] }]);
  job.end("done");
  await second.terminal(job.id);
  const third = await again(0, second);
  await third.terminal(job.id);
  expect(rotations(third).map(({ payload }) => payload.body)).toEqual(
    [1, 2].map(() => ({ phase: "credential_rotated", id: expect.any(String) })),
  );
  expect(JSON.stringify(third.frames)).not.toContain("sk-");
});

test("R-4.1-5: a session resumed where secrets must not travel keeps its numbers and sees no values", async () => {
  const { begin, upstream } = machine();
  const { runtime, viewer, job } = await begin();
  await runtime.credentials.rotate(job.id);
  await viewer.find(({ payload }) => payload.body?.value === upstream.values[1]);
  const open = new Viewer(runtime, { peer: { address: "198.51.100.7" } });
  await open.resume(viewer.welcome, 0);
  const told = await open.find(({ payload }) => payload.body?.phase === "credential_rotated");
  expect(told.event_seq).toBe(viewer.stream.at(-1)?.event_seq);
  await runtime.credentials.rotate(job.id);
  await open.find(({ event_seq }) => event_seq === (told.event_seq ?? 0) + 1);
  const { payload } = await open.submit("led");
  expect(payload.credentials).toBeUndefined();
  expect(JSON.stringify(open.frames)).not.toContain("sk-");
});

test("R-9.8-12, R-7.6-9: a subscription shows credentials to the submitter's principal while the job lives", async () => {
  const { begin, view } = machine({ policy: { mayObserve: () => true } });
  const { runtime, job, credential } = await begin();
  const subscribed = async (features: string[], token: string) => {
    const viewer = await view(runtime, features, token);
    const request = viewer.send("job.subscribe", { job_id: job.id }, { job_id: job.id });
    return (await viewer.reply(request)).payload.credentials;
  };
  expect(await subscribed(FEATURES, "secret")).toEqual([credential]);
  expect(await subscribed(FEATURES, "other")).toBeUndefined();
  expect(await subscribed(["subscribe"], "secret")).toBeUndefined();
  job.end("done");
  await settled();
  expect(await subscribed(FEATURES, "secret")).toBeUndefined();
});

test("R-6.2-5: without the feature in its session, only a job's agent sees its credential", async () => {
  const { start, view, submit, upstream } = machine();
  const runtime = start();
  const viewer = await view(runtime, ["subscribe"]);
  const job = await submit(viewer);
  expect(job.ctx.credentials.get("llm")?.value).toBe(upstream.values[0]);
  await runtime.credentials.rotate(job.id);
  expect(job.ctx.credentials.get("llm")?.value).toBe(upstream.values[1]);
  job.end("done");
  await viewer.terminal(job.id);
  expect(viewer.seqs).toEqual([1, 2]);
  expect(JSON.stringify(viewer.frames)).not.toContain("cred");
});

test("R-7.2-3: an identical submit gets the current credentials in its reply, and none after the end", async () => {
  const { begin, upstream, view } = machine();
  const key = { idempotency_key: "k" };
  const { runtime, viewer, job } = await begin({}, key);
  await runtime.credentials.rotate(job.id);
  const other = await view(runtime);
  for (const one of [viewer, other]) {
    const { payload } = await one.submit("led", null, key);
    expect(payload.credentials).toMatchObject([{ value: upstream.values[1] }]);
  }
  job.end("done");
  await viewer.terminal(job.id);
  expect((await viewer.submit("led", null, key)).payload.credentials).toBeUndefined();
  expect(upstream.orders).toHaveLength(2);
});

test("R-5.4-8: a submit repeated under its id gets the current credentials in its reply", async () => {
  const { start, view, upstream, nextRun } = machine();
  const runtime = start();
  const viewer = await view(runtime);
  const run = nextRun();
  const request = viewer.send("job.submit", { agent: "led", input: null });
  const { job_id: id = "" } = await viewer.reply(request);
  const { end } = await run;
  await runtime.credentials.rotate(id);
  const repeat = async (count: number) => {
    viewer.sendAs(request, "job.submit", { agent: "led", input: null });
    const replies = () => viewer.frames.filter(({ type }) => type === "job.accepted");
    await expect.poll(() => replies().length).toBe(count);
    return replies().at(-1)?.payload.credentials;
  };
  expect(await repeat(2)).toMatchObject([{ value: upstream.values[1] }]);
  end("done");
  await viewer.terminal(id);
  expect(await repeat(3)).toBeUndefined();
});

test("R-9.8-9, R-9.8-6: a job that is run again gets a new value under the same id, and the lost one is revoked", async () => {
  const all = machine({ led: { attempts: 2 } });
  const { viewer, job, credential } = await all.begin();
  const run = all.nextRun();
  const runtime = all.start();
  const second = await run;
  const [, current] = all.upstream.values;
  expect(second.ctx.credentials.get("llm")?.value).toBe(current);
  const next = new Viewer(runtime, { peer: HERE });
  await next.resume(viewer.welcome, viewer.stream.length);
  const told = await next.find(({ payload }) => payload.body?.phase === "credential_rotated");
  expect(told.payload.body).toMatchObject({ id: credential.id, value: current });
  expect([...all.upstream.alive.values()]).toEqual([current]);
  second.end("done");
  await next.terminal(job.id);
  await settled();
  expect(all.upstream.alive.size).toBe(0);
  expect(await all.outstanding()).toEqual([]);
});

test("R-9.8-6, R-9.8-5: a job that cannot get a new credential for its next attempt ends", async () => {
  const all = machine({ led: { attempts: 2 } });
  const { viewer, job } = await all.begin();
  all.upstream.onIssue = () => {
    throw new ArcpError("INTERNAL_ERROR", "not now");
  };
  const next = new Viewer(all.start(), { peer: HERE });
  await next.resume(viewer.welcome, 0);
  expect((await next.terminal(job.id)).payload).toMatchObject({ code: "INTERNAL_ERROR" });
  await all.pass(1000);
  expect(all.runs()).toBe(1);
  expect(all.upstream.alive.size).toBe(0);
  expect(await all.outstanding()).toEqual([]);
});

test("R-4-2: pings are answered while a credential is being issued", async () => {
  const { start, view, upstream } = machine();
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const viewer = await view(start(), [...FEATURES, "heartbeat"]);
  const reply = viewer.submit("led");
  await expect.poll(() => upstream.orders.length).toBe(1);
  viewer.send("session.ping", { nonce: "n" });
  await viewer.find(({ type }) => type === "session.pong");
  held.resolve();
  expect((await reply).type).toBe("job.accepted");
});

test("R-9.8-14: a delegated job's credential is bounded by its own lease, and revoked with its parent", async () => {
  const begun = Promise.withResolvers<string>();
  const child = defineAgent({
    name: "child",
    async run(ctx, input) {
      const own = ctx.credentials.get("llm")?.value;
      await ctx.log.info(`mine is ${own}, my parent's is ${input}`);
      begun.resolve(String(own));
      await new Promise(() => {});
    },
  });
  const { view, upstream, outstanding, store, lines, start, submit } = machine({ agents: [child] });
  const viewer = await view(start());
  const { ctx, end, id } = await submit(viewer, {
    lease_request: { "agent.delegate": ["child"], "cost.budget": ["EUR:5.00"] },
  });
  const parents = ctx.credentials.get("llm")?.value ?? "";
  const delegated = await ctx.delegate(child, parents, { lease: { "cost.budget": ["EUR:0.50"] } });
  const childs = await begun.promise;
  expect([...upstream.alive.values()]).toEqual([parents, childs]);
  expect(upstream.orders[1]).toMatchObject({ job: { id: delegated.id }, budget: { EUR: "0.5" } });
  const introduced = await viewer.find(({ job_id }) => job_id === delegated.id);
  expect(introduced).toMatchObject({
    type: "job.accepted",
    payload: { parent_job_id: id, credentials: [{ value: childs }] },
  });
  // The parent knows its child's credential, and logs it.
  await ctx.log.info(`my child's is ${childs}`);
  await ctx.flush();
  const gone = upstream.revocations.length;
  end("done");
  await viewer.terminal(id);
  expect(upstream.revocations.length - gone).toBe(2);
  await settled();
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
  const logs = [id, delegated.id].map((job) =>
    store.logs.read(job as never, 0, { records: 99, characters: 9e9 }),
  );
  const rows = await Promise.all([id, delegated.id].map((job) => store.jobs.get(job as never)));
  const written = JSON.stringify([await Promise.all(logs), rows, lines]);
  for (const value of upstream.values) expect(written).not.toContain(value);
});

test("R-9.8-10 and R-D-12: a credential in what a client delegates is passed on, but appears nowhere else", async () => {
  const picky = (name: string, refuse: (input: unknown) => { issues: { message: string }[] }) =>
    defineAgent({
      name,
      input: { "~standard": { version: 1, vendor: "test", validate: refuse } } as StandardSchemaV1,
      run: async () => {},
    });
  const taken: unknown[] = [];
  const agents = [
    picky("quoting", (input) => ({ issues: [{ message: `${input} will not do` }] })),
    picky("failing", (input) => {
      throw new Error(`${input} is beyond me`);
    }),
    defineAgent({ name: "taking", run: async (_, input) => void taken.push(input) }),
  ];
  const { begin, store, lines } = machine({ agents });
  const { job, viewer, credential } = await begin(
    {},
    { lease_request: { "agent.delegate": ["*"] } },
  );
  const refusals: string[] = [];
  const { commit } = store.sessions;
  store.sessions.commit = (session, epoch, change) => {
    refusals.push(JSON.stringify(change));
    return commit.call(store.sessions, session, epoch, change);
  };
  const submit = (agent: string) =>
    viewer.submit(agent, credential.value, { parent_job_id: job.id });
  expect((await submit("quoting")).payload).toMatchObject({
    code: "INVALID_REQUEST",
    message: "input: [redacted] will not do",
  });
  expect((await submit("failing")).payload).toMatchObject({ code: "INTERNAL_ERROR" });
  const { job_id } = await submit("taking");
  await viewer.terminal(job_id);
  expect(taken).toEqual([credential.value]);
  const told = viewer.stream.filter(({ payload }) => payload.kind === "delegate");
  expect(told.map(({ payload }) => payload.body.input)).toEqual(["[redacted]"]);
  expect(refusals.join()).toContain("will not do");
  expect(lines.join()).toContain("is beyond me");
  expect(JSON.stringify([refusals, lines])).not.toContain(credential.value);
});

test("R-9.8-3, R-9.8-14: a credential is also bounded by the budgets and the end of every ancestor", async () => {
  const child = defineAgent({ name: "child", run: () => new Promise(() => {}) });
  const { view, upstream, clock, start, submit } = machine({ agents: [child] });
  const viewer = await view(start());
  const { ctx } = await submit(viewer, {
    lease_request: { "agent.delegate": ["child"], "cost.budget": ["EUR:5", "USD:3"] },
    max_runtime_sec: 60,
  });
  const over = clock.now() + 60_000;
  await ctx.delegate(child);
  await ctx.metric({ name: "cost.x", value: 4.25, unit: "EUR" });
  await ctx.delegate(child, null, { lease: { "cost.budget": ["EUR:0.50"] }, maxRuntimeSec: 90 });
  expect(upstream.orders.slice(1)).toMatchObject([
    { budget: { EUR: "5", USD: "3" }, expiresAt: over },
    { budget: { EUR: "0.5", USD: "3" }, expiresAt: over },
  ]);
});

test("R-7.1-4, R-9.8-3: an expiry beyond the range of dates is none", async () => {
  const { begin, upstream } = machine();
  upstream.onIssue = ({ expiresAt }) => new Date(expiresAt ?? 0).toISOString();
  await begin({}, { max_runtime_sec: Number.MAX_SAFE_INTEGER });
  expect(upstream.orders[0]).toHaveProperty("expiresAt", undefined);
});

test("R-9.8-6, R-9.8-14: a parent that ends while its child's credential is being issued leaves none", async () => {
  const child = defineAgent({ name: "child", run: () => null });
  const { view, upstream, outstanding, start, submit, pass } = machine({ agents: [child] });
  const viewer = await view(start());
  const { ctx, end, id } = await submit(viewer, { lease_request: { "agent.delegate": ["child"] } });
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const delegated = ctx.delegate(child).catch(() => {});
  await expect.poll(() => upstream.orders.length).toBe(2);
  end("done");
  await viewer.terminal(id);
  held.resolve();
  await delegated;
  await pass(1000);
  expect(upstream.values).toHaveLength(2);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
});

test("R-9.8-6: nothing is ordered for a child whose parent ended while the order was being stored", async () => {
  const child = defineAgent({ name: "child", run: () => null });
  const { view, upstream, outstanding, start, submit, pass, store } = machine({ agents: [child] });
  const viewer = await view(start());
  const { ctx, end, id } = await submit(viewer, { lease_request: { "agent.delegate": ["child"] } });
  const held = Promise.withResolvers<void>();
  const insert = store.credentials.insert.bind(store.credentials);
  store.credentials.insert = async (row) => {
    await insert(row);
    await held.promise;
  };
  const delegated = ctx.delegate(child).catch(() => {});
  await expect.poll(outstanding).toHaveLength(2);
  end("done");
  await viewer.terminal(id);
  held.resolve();
  await delegated;
  await pass(1000);
  expect(upstream.orders).toHaveLength(1);
  expect(await outstanding()).toEqual([]);
});

test("R-7.2-8: a child whose credential was being issued while its parent was adopted belongs to the new owner", async () => {
  const child = defineAgent({ name: "child", run: (ctx) => ctx.budget.remaining() });
  const { view, upstream, start, submit, clock, store } = machine({ agents: [child] });
  const runtime = start({ limits: { resumeWindowSec: 5 } });
  const viewer = await view(runtime);
  const heir = await view(runtime);
  const keyed = { idempotency_key: "k", lease_request: { "agent.delegate": ["child"] } };
  const { ctx } = await submit(viewer, keyed);
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const delegated = ctx.delegate(child);
  await expect.poll(() => upstream.orders.length).toBe(2);
  viewer.sever();
  await settled();
  clock.advance(5000);
  await settled();
  await heir.submit("led", null, keyed);
  held.resolve();
  const { id } = await delegated;
  await heir.terminal(id);
  const row = await store.jobs.get(id as never);
  expect(row?.session).toBe(heir.welcome.session_id);
});

test("R-9.8-6: a job that is cancelled right before its next attempt gets no credential for it", async () => {
  const all = machine({ led: { attempts: 2 } });
  const { viewer, job } = await all.begin();
  const { jobs } = all.store;
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow: JobIndex = {
    insert: (row) => jobs.insert(row),
    update: async (id, change) => {
      if (change.attempt !== undefined) {
        reached.resolve();
        await held.promise;
      }
      await jobs.update(id, change);
    },
    get: (id) => jobs.get(id),
    list: (query) => jobs.list(query),
    remove: (id) => jobs.remove(id),
  };
  const runtime = all.start({ store: { ...all.store, jobs: slow, durable: true } });
  await reached.promise;
  const next = new Viewer(runtime, { peer: HERE });
  await next.resume(viewer.welcome, viewer.stream.length);
  next.send("job.cancel", {}, { job_id: job.id });
  await next.terminal(job.id);
  held.resolve();
  await all.pass(1000);
  expect(all.upstream.orders).toHaveLength(1);
  expect(all.upstream.alive.size).toBe(0);
  expect(await all.outstanding()).toEqual([]);
});

test("R-9.8-11: a job that ends just as its rotation is answered shows no value", async () => {
  for (let wait = 0; wait < 30; wait++) {
    const { begin, upstream, outstanding } = machine();
    const { runtime, viewer, job } = await begin();
    await runtime.credentials.rotate(job.id);
    const held = Promise.withResolvers<void>();
    upstream.onIssue = () => held.promise;
    const rotation = runtime.credentials.rotate(job.id).catch(() => {});
    await expect.poll(() => upstream.orders.length).toBe(3);
    held.resolve();
    for (let turn = 0; turn < wait; turn++) await null;
    job.end("done");
    await viewer.terminal(job.id);
    await rotation;
    const next = new Viewer(runtime, { peer: HERE });
    await next.resume(viewer.welcome, 0);
    await next.terminal(job.id);
    const told = next.frames.filter(({ payload }) => payload.body?.phase === "credential_rotated");
    expect(told.map(({ payload }) => payload.body.value)).not.toContain(upstream.values[2]);
    await settled();
    expect(upstream.alive.size).toBe(0);
    expect(await outstanding()).toEqual([]);
  }
});

test("R-9.8-9: a rotation for which the upstream issues no new credential leaves the former one in force", async () => {
  const { begin, upstream, pass, outstanding } = machine();
  const { runtime, viewer, job } = await begin();
  const issue = upstream.issue.bind(upstream);
  upstream.issue = async () => undefined as never;
  await expect(runtime.credentials.rotate(job.id)).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
  });
  await pass(1000);
  expect(upstream.alive.size).toBe(1);
  expect(await outstanding()).toHaveLength(1);
  expect(JSON.stringify(viewer.frames)).not.toContain("credential_rotated");
  upstream.issue = issue;
  await runtime.credentials.rotate(job.id);
  expect(job.ctx.credentials.get("llm")?.value).toBe(upstream.values[1]);
  job.end("done");
  await viewer.terminal(job.id);
});

test("R-9.8-8: a credential that the operator has dealt with is not retried, even if the upstream was being asked", async () => {
  const { begin, upstream, pass, outstanding } = machine();
  const { runtime, viewer, job } = await begin();
  const held = Promise.withResolvers<void>();
  upstream.onRevoke = () => held.promise;
  job.end("done");
  await viewer.terminal(job.id);
  const [left] = runtime.credentials.list();
  expect(await runtime.credentials.forget(left?.alias ?? "")).toBe(true);
  held.reject(new Error("not now"));
  await pass(60_000);
  expect(upstream.revocations).toHaveLength(1);
  expect(await outstanding()).toEqual([]);
});

test("R-9.8-4: a credential that appears after nobody looks for it any more is stored until it is revoked", async () => {
  const { start, view, upstream, outstanding, pass } = machine();
  const held = Promise.withResolvers<void>();
  upstream.onIssue = () => held.promise;
  const viewer = await view(start());
  const reply = viewer.submit("led");
  await expect.poll(() => upstream.orders.length).toBe(1);
  await pass(10_000);
  await reply;
  await pass(400_000, 100);
  expect(await outstanding()).toEqual([]);
  upstream.onRevoke = () => Promise.reject(new Error("not now"));
  held.resolve();
  await settled();
  expect(upstream.alive.size).toBe(1);
  expect(await outstanding()).toHaveLength(1);
  upstream.onRevoke = () => {};
  start();
  await settled();
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
});

const readWhole = (logs: LogStore, job: JobId, size: number): Promise<string | Uint8Array> =>
  readStreamedResult(logs, { alone: async () => {} }, { job, lastSeq: 1, size });

test.each([
  ["text", (text: string) => text],
  ["bytes", (text: string) => Buffer.from(text)],
])(
  "R-9.8-10, R-8.4-3: a streamed result of %s is redacted wherever its chunks are cut, and its size is that after redaction",
  async (_, pieceOf) => {
    const { start, view, submit, store } = machine();
    const viewer = await view(start(), [...FEATURES, "result_chunk"]);
    const { ctx, end, id } = await submit(viewer);
    const value = ctx.credentials.get("llm")?.value ?? "";
    const before = "x".repeat(128 * 1024 - 8);
    await ctx.result.write(pieceOf(`${before}${value} after`));
    end(undefined);
    const { payload } = await viewer.terminal(id);
    const result = await readWhole(store.logs, id as JobId, payload.result_size);
    const whole = Buffer.from(result).toString();
    expect(whole).toBe(`${before}[redacted] after`);
    expect(payload.result_size).toBe(whole.length);
  },
);

const inPieces = (text: string, length: number): string[] =>
  Array.from({ length: Math.ceil(text.length / length) }, (_, i) =>
    text.slice(i * length, (i + 1) * length),
  );

test.each([
  ["text", (text: string) => text],
  ["bytes", (text: string) => Buffer.from(text)],
])(
  "R-9.8-10, R-8.4-3: a streamed result of %s is redacted wherever its agent cuts it",
  async (_, pieceOf) => {
    for (const length of [1, 2, 7, 40]) {
      const { start, view, submit, store } = machine();
      const viewer = await view(start(), [...FEATURES, "result_chunk"]);
      const { ctx, end, id } = await submit(viewer);
      const value = ctx.credentials.get("llm")?.value ?? "";
      const text = `${value} is sk, ${value}${value} and ${value.slice(0, -1)}`;
      for (const piece of inPieces(text, length)) void ctx.result.write(pieceOf(piece));
      end(undefined);
      const { payload } = await viewer.terminal(id);
      const whole = `${await readWhole(store.logs, id as JobId, payload.result_size)}`;
      expect(whole).toBe(`[redacted] is sk, [redacted][redacted] and ${value.slice(0, -1)}`);
      expect(payload.result_size).toBe(whole.length);
    }
  },
);

test.each([
  ["lease", (value: string) => ({ lease: { "net.fetch": [`https://llm.example/${value}/**`] } })],
  ["id", (value: string) => ({ id: value })],
])("R-9.8-10: a credential in the %s of a delegation is stored nowhere", async (_, optionsOf) => {
  const child = defineAgent({ name: "child", run: () => null });
  const { view, start, submit, store, lines } = machine({ agents: [child] });
  const viewer = await view(start());
  const lease_request = { "agent.delegate": ["child"], "net.fetch": ["https://llm.example/**"] };
  const { ctx, end, id } = await submit(viewer, { lease_request });
  const value = ctx.credentials.get("llm")?.value ?? "";
  await expect(ctx.delegate(child, null, optionsOf(value))).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
  end("done");
  await viewer.terminal(id);
  const rows = await store.jobs.list({ limit: 10 });
  const told = viewer.frames.filter(({ payload }) => payload.job_id !== id);
  expect(JSON.stringify([rows, lines, told])).not.toContain(value);
});

test("R-9.8-8: what the store fails to delete stays on the operator's list", async () => {
  const all = machine();
  const { credentials } = all.store;
  let broken = true;
  const remove = (alias: string) =>
    broken ? Promise.reject(new Error("disk full")) : credentials.remove(alias);
  const store = {
    insert: (row: CredentialRow) => credentials.insert(row),
    list: () => credentials.list(),
    remove,
  };
  const { runtime, viewer, job } = await all.begin({
    store: { ...all.store, credentials: store, durable: true },
  });
  all.upstream.onRevoke = () => Promise.reject(new Error("not now"));
  job.end("done");
  await viewer.terminal(job.id);
  const [{ alias } = { alias: "" }] = runtime.credentials.list();
  await expect(runtime.credentials.forget(alias)).rejects.toThrow("disk full");
  expect(runtime.credentials.list()).toHaveLength(1);
  broken = false;
  expect(await runtime.credentials.forget(alias)).toBe(true);
  expect(runtime.credentials.list()).toEqual([]);
});

test("R-9.8-9: a rotation for a job whose end is being stored fails, since no such job runs", async () => {
  const all = machine();
  const store = heldStore(all.store);
  const { runtime, viewer, job } = await all.begin({ store: { ...store, durable: true } });
  store.held.logs.hold();
  job.end("done");
  await settled();
  await expect(runtime.credentials.rotate(job.id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  await store.held.logs.open();
  await viewer.terminal(job.id);
});

test("R-9.8-7: no job is ended after a crash before the revocation of its credentials has begun", async () => {
  const { begin, start, upstream, store } = machine();
  const { job } = await begin();
  const { append } = store.logs;
  const begun: number[] = [];
  store.logs.append = (batches) => {
    begun.push(upstream.revocations.length);
    return append.call(store.logs, batches);
  };
  start();
  await expect.poll(async () => (await store.jobs.get(job.id as JobId))?.status).toBe("error");
  expect(begun).toEqual([1]);
});

test("R-9.8-6: a store that fails for good ends the jobs, and their credentials with them", async () => {
  const failed = Promise.withResolvers<Error>();
  const all = machine();
  const store = { ...all.store, failed: failed.promise, durable: true };
  const { runtime } = await all.begin({ store });
  expect(all.upstream.alive.size).toBe(1);
  failed.resolve(new Error("EIO"));
  await runtime.failed;
  await settled();
  expect(all.upstream.alive.size).toBe(0);
});

test("R-9.8-9: two rotations at the same time are told one after the other, and each former value is revoked once", async () => {
  const { begin, upstream, outstanding } = machine();
  const { runtime, viewer, job } = await begin();
  await Promise.all([runtime.credentials.rotate(job.id), runtime.credentials.rotate(job.id)]);
  const [, second, third] = upstream.values;
  await viewer.find(({ payload }) => payload.body?.value === third);
  expect(job.ctx.credentials.get("llm")?.value).toBe(third);
  const told = viewer.stream.filter(({ payload }) => payload.body?.phase === "credential_rotated");
  expect(told.map(({ payload }) => payload.body.value)).toEqual([second, third]);
  await settled();
  expect([...upstream.alive.values()]).toEqual([third]);
  expect(upstream.revocations).toHaveLength(2);
  expect(await outstanding()).toHaveLength(1);
});

test("R-9.8-9: a rotation is told although the agent floods its log", async () => {
  const { begin, upstream } = machine();
  const { runtime, viewer, job } = await begin();
  upstream.onIssued = () => {
    for (;;) {
      try {
        void job.ctx.thought("more");
      } catch {
        return;
      }
    }
  };
  await runtime.credentials.rotate(job.id);
  await viewer.find(({ payload }) => payload.body?.value === upstream.values[1]);
  await settled();
  expect([...upstream.alive.values()]).toEqual([upstream.values[1]]);
});

test("R-9.8-9: a job that ends while its rotation is being stored leaves nothing alive, each revoked once", async () => {
  const all = machine();
  const store = heldStore(all.store);
  const { runtime, viewer, job } = await all.begin({ store: { ...store, durable: true } });
  store.held.logs.hold();
  const rotation = runtime.credentials.rotate(job.id);
  await expect.poll(() => all.upstream.values).toHaveLength(2);
  await settled();
  expect(all.upstream.alive.size).toBe(2);
  job.end("done");
  await settled();
  await store.held.logs.open();
  await rotation;
  await viewer.terminal(job.id);
  await settled();
  expect(all.upstream.alive.size).toBe(0);
  expect(all.upstream.revocations).toHaveLength(2);
  expect(await all.outstanding()).toEqual([]);
});

test("R-9.8-11: a client that was away during two rotations gets both under their numbers, with the value of now", async () => {
  const { begin, upstream } = machine();
  const { runtime, viewer, job, credential } = await begin();
  await viewer.find(({ event_seq }) => event_seq === 1);
  viewer.sever();
  await settled();
  await runtime.credentials.rotate(job.id);
  await runtime.credentials.rotate(job.id);
  expect([...upstream.alive.values()]).toEqual([upstream.values[2]]);
  const next = new Viewer(runtime, { peer: HERE });
  await next.resume(viewer.welcome, 1);
  await next.find(({ event_seq }) => event_seq === 3);
  const body = { phase: "credential_rotated", id: credential.id, value: upstream.values[2] };
  expect(next.stream.map(({ event_seq, payload }) => [event_seq, payload.body])).toEqual([
    [2, body],
    [3, body],
  ]);
});

test("R-9.8-6: an upstream that gives up because the job has ended has not said that it made nothing", async () => {
  const child = defineAgent({ name: "child", run: () => null });
  const { view, upstream, outstanding, start, submit, pass } = machine({ agents: [child] });
  const viewer = await view(start());
  const { ctx, end, id } = await submit(viewer, { lease_request: { "agent.delegate": ["child"] } });
  upstream.onIssue = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const delegated = ctx.delegate(child).catch(() => {});
  await expect.poll(() => upstream.orders.length).toBe(2);
  end("done");
  await viewer.terminal(id);
  await delegated;
  await pass(5_000);
  // The request that was aborted arrives at the upstream after all.
  upstream.alive.set(upstream.orders[1]?.alias ?? "", "sk-of-an-aborted-request");
  await pass(10_000);
  expect(upstream.alive.size).toBe(0);
  expect(await outstanding()).toEqual([]);
});
