import { mkdtemp, mkdtempDisposable, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineAgent, memoryStore, type Provisioner } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { sqliteStore } from "@arcp/store-sqlite";
import { describe, expect, test } from "vitest";
import { heap } from "../../test/heap.ts";
import { ALICE, BOB, house } from "../../test/raw-house.ts";
import { RawSocket } from "../../test/raw-socket.ts";
import { eventually, settled } from "../../test/stage.ts";

/* The other rows of the limits table (docs/guides/limits.md), each over a plain WebSocket. */

const refusal = (reason: string) => ({
  type: "session.error",
  payload: { code: "INTERNAL_ERROR", retryable: true, details: { reason } },
});
const invalid = (field: string) => ({
  type: "session.error",
  payload: { code: "INVALID_REQUEST", message: expect.stringContaining(field) },
});
const isEnd = (id: string) => (message: Record<string, any>) =>
  message["job_id"] === id && /^job\.(result|error)$/.test(message["type"]);

/** An agent whose input check waits until the test lets it pass. */
function hanging() {
  const gate = Promise.withResolvers<void>();
  let checking = 0;
  const agent = defineAgent({
    name: "hanging",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        async validate(value) {
          checking += 1;
          await gate.promise;
          return { value };
        },
      },
    },
    run: () => null,
  });
  return { agent, open: gate.resolve, checking: () => checking };
}

describe("requests", () => {
  test("R-14-2, R-4-2, limit requestsPerSession: while so many are pending, others are refused, pings answered, submits queued", async () => {
    const { agent, open, checking } = hanging();
    await using home = await house({ limits: { requestsPerSession: 3 }, agents: [agent] });
    const busy = await home.greeted(["list_jobs"]);
    const bystander = await home.greeted(["list_jobs"]);
    const hung = [1, 2, 3].map(() => busy.send("job.submit", { agent: "hanging" }));
    await eventually(() => checking() === 3);
    const list = busy.send("session.list_jobs", {});
    const before = home.clock.pending;
    // It could be a burst, so requests beyond the limit wait a second first.
    await eventually(() => home.clock.pending === before + 1);
    home.clock.advance(1_000);
    expect(await busy.reply(list)).toMatchObject(refusal("requests_per_session"));
    await busy.ping("in the middle of it");
    const late = busy.send("job.submit", { agent: "puppet" });
    await busy.ping("behind the submit");
    expect(busy.received.some(({ payload }) => payload.request_id === late)).toBe(false);
    expect(await bystander.request("session.list_jobs", {})).toHaveProperty("type", "session.jobs");
    open();
    await busy.reply(late);
    const told = busy.received.filter(({ type }) => /accepted|error/.test(type));
    expect(told.map(({ payload }) => payload.request_id)).toEqual([list, ...hung, late]);
    expect(told.at(-1)).toMatchObject(refusal("requests_per_session"));
    expect(await busy.request("session.list_jobs", {})).toHaveProperty("type", "session.jobs");
  });

  test("R-14-2, R-4-2, limit requestsPerSession: 64 Mi characters of pending requests count as much as a thousand", async () => {
    const { agent, open, checking } = hanging();
    await using home = await house({ agents: [agent] });
    using _ = { [Symbol.dispose]: open };
    const busy = await home.greeted(["list_jobs"]);
    const large = "x".repeat(4 * 1024 * 1024 - 1024);
    const hung = Array.from({ length: 17 }, () =>
      busy.send("job.submit", { agent: "hanging", input: large }),
    );
    await eventually(() => checking() === 17);
    const list = busy.send("session.list_jobs", {});
    const before = home.clock.pending;
    await eventually(() => home.clock.pending === before + 1);
    home.clock.advance(1_000);
    expect(await busy.reply(list)).toMatchObject(refusal("requests_per_session"));
    await busy.ping("in the middle of it");
    open();
    for (const id of hung) expect(await busy.reply(id)).toHaveProperty("type", "job.accepted");
    expect(await busy.request("session.list_jobs", {})).toHaveProperty("type", "session.jobs");
  });

  test("R-14-2, limit requestCharactersPerPrincipal: what hangs counts in every session of the principal, also after that has ended", async () => {
    const { agent, open, checking } = hanging();
    await using home = await house({
      limits: { requestCharactersPerPrincipal: 10_000 },
      agents: [agent],
    });
    using _ = { [Symbol.dispose]: open };
    const gone = await home.greeted();
    gone.send("job.submit", { agent: "hanging", input: "x".repeat(6_000) });
    await eventually(() => checking() === 1);
    gone.cut();
    const one = await home.greeted();
    const hung = one.send("job.submit", { agent: "hanging", input: "x".repeat(6_000) });
    await eventually(() => checking() === 2);
    const other = await home.greeted(["list_jobs"]);
    const list = other.send("session.list_jobs", {});
    const before = home.clock.pending;
    await eventually(() => home.clock.pending === before + 1);
    home.clock.advance(1_000);
    expect(await other.reply(list)).toMatchObject(refusal("request_characters_per_principal"));
    await other.ping("in the middle of it");
    const bystander = await home.greeted(["list_jobs"], BOB);
    expect(await bystander.request("session.list_jobs", {})).toHaveProperty("type", "session.jobs");
    open();
    expect(await one.reply(hung)).toHaveProperty("type", "job.accepted");
    expect(await other.request("session.list_jobs", {})).toHaveProperty("type", "session.jobs");
  });

  test("R-14-2, limit requestCharactersPerPrincipal: a session without requests goes on as soon as another one makes room", async () => {
    const { agent, open, checking } = hanging();
    await using home = await house({
      limits: { requestCharactersPerPrincipal: 10_000 },
      agents: [agent],
    });
    using _ = { [Symbol.dispose]: open };
    const one = await home.greeted();
    one.send("job.submit", { agent: "hanging", input: "x".repeat(12_000) });
    await eventually(() => checking() === 1);
    const other = await home.greeted(["list_jobs"]);
    const before = home.clock.pending;
    const list = other.send("session.list_jobs", {});
    await eventually(() => home.clock.pending === before + 1);
    open();
    // No time passes.
    expect(await other.reply(list)).toHaveProperty("type", "session.jobs");
  });

  test("R-14-2: unreadable submits wait for their turn, and none of their large fields is held meanwhile", async () => {
    const { agent, open, checking } = hanging();
    await using home = await house({ agents: [agent] });
    using _ = { [Symbol.dispose]: open };
    const busy = await home.greeted();
    const hung = busy.send("job.submit", { agent: "hanging" });
    await eventually(() => checking() === 1);
    const before = await heap();
    const large = "x".repeat(4 * 1024 * 1024 - 1024);
    for (let i = 0; i < 20; i++) busy.send("job.submit", { agent: large, max_runtime_sec: "long" });
    const submit = { arcp: "1.1", type: "job.submit", trace_id: large, payload: {} };
    for (let i = 0; i < 20; i++) busy.sendRaw(JSON.stringify({ ...submit, id: `t${i}` }));
    await busy.ping("behind them");
    expect((await heap()) - before).toBeLessThan(32 * 1024 * 1024);
    open();
    expect(await busy.reply(hung)).toHaveProperty("type", "job.accepted");
    expect(await busy.reply("t19")).toMatchObject(invalid("agent"));
  });

  test("R-14-2, limit requestsPerSession: a burst is only slowed down, and none of it is refused", async () => {
    await using home = await house({ limits: { requestsPerSession: 5 } });
    const busy = await home.greeted(["list_jobs"]);
    const ids = Array.from({ length: 200 }, (_, i) =>
      busy.send(i % 2 ? "session.list_jobs" : "job.submit", { agent: "puppet" }),
    );
    const answers = await Promise.all(ids.map((id) => busy.reply(id)));
    expect(new Set(answers.map(({ type }) => type))).toEqual(
      new Set(["session.jobs", "job.accepted"]),
    );
  });

  test("R-14-2, limit requestsPerSession: a client that keeps submitting beyond it is cut off, and may resume", async () => {
    const { agent, open, checking } = hanging();
    await using home = await house({ limits: { requestsPerSession: 3 }, agents: [agent] });
    const flood = await home.greeted();
    for (let i = 0; i < 3; i++) flood.send("job.submit", { agent: "hanging" });
    await eventually(() => checking() === 3);
    // Even unreadable ones wait for their turn.
    for (let i = 0; i < 10; i++) flood.send("job.submit", i % 2 ? { agent: 5 } : { agent: "x" });
    const before = home.clock.pending;
    await eventually(() => home.clock.pending === before + 1);
    home.clock.advance(1_000);
    expect(await flood.closed).toBe(1008);
    expect(flood.received.at(-1)).toMatchObject(refusal("requests_per_session"));
    const back = await RawSocket.open(home.url);
    expect(await back.resume(flood, ALICE)).toHaveProperty("type", "session.welcome");
    open();
  });

  test("R-14-2, R-4.1-10, limit requestsPerSession: long replies do not pile up behind a client that does not read", async () => {
    const inner = memoryStore();
    const gate = Promise.withResolvers<void>();
    let slow: Promise<void> | undefined;
    const store: Store = {
      ...inner,
      close: () => inner.close(),
      jobs: {
        insert: (row) => inner.jobs.insert(row),
        update: (id, change) => inner.jobs.update(id, change),
        remove: (id) => inner.jobs.remove(id),
        async get(id) {
          await slow;
          return inner.jobs.get(id);
        },
        async list(query) {
          await slow;
          return inner.jobs.list(query);
        },
      },
    };
    await using home = await house({ store });
    const flood = await home.greeted(["list_jobs", "subscribe"]);
    const lease = { "tool.call": Array.from({ length: 900 }, (_, i) => `${i}`.padEnd(250, "t")) };
    let job = "";
    for (let i = 0; i < 3; i++) {
      job = (await flood.submit("puppet", { lease_request: lease }))["job_id"];
    }
    const bystander = await home.greeted();
    flood.pause();
    const before = await heap();
    // All of them are pending before the first is answered.
    slow = gate.promise;
    let last = "";
    for (let i = 0; i < 100; i++) {
      flood.send("session.list_jobs", {});
      flood.send("job.subscribe", { job_id: job });
      last = flood.send("job.submit", {
        agent: "puppet",
        lease_request: lease,
        idempotency_key: "k",
      });
    }
    for (let i = 0; i < 100; i++) await bystander.ping(`${i}`);
    gate.resolve();
    for (let i = 100; i < 200; i++) await bystander.ping(`${i}`);
    // All the replies would exceed 120 MB. What the client has yet to send is in this process as well.
    expect((await heap()) - before - flood.unsent).toBeLessThan(32 * 1024 * 1024);
    flood.goOn();
    expect(await flood.reply(last)).toHaveProperty("type", "job.accepted");
  });

  test("R-4.1-6, limit frame size, 4 MiB: a longer one closes its connection with 1009, and no other", async () => {
    await using home = await house();
    const [big, other] = [await home.greeted(), await home.greeted()];
    const submit = (input: string) =>
      JSON.stringify({
        arcp: "1.1",
        id: "s",
        type: "job.submit",
        payload: { agent: "puppet", input },
      });
    const room = 4 * 1024 * 1024 - submit("").length;
    big.sendRaw(submit("x".repeat(room)));
    expect(await big.reply("s")).toHaveProperty("type", "job.accepted");
    big.sendRaw(submit("x".repeat(room + 1)));
    expect(await big.closed).toBe(1009);
    await other.ping("unharmed");
  });

  test("R-4.1-6, limit frame size, 4 MiB: it can be set", async () => {
    await using home = await house({ listening: { maxMessageSize: 500 } });
    const big = await home.greeted();
    big.send("session.ping", { nonce: "n", padding: "x".repeat(500) });
    expect(await big.closed).toBe(1009);
  });

  test("R-5.2-7, limit JSON nesting, 128 levels: a deeper message is refused, and the session goes on", async () => {
    await using home = await house();
    const raw = await home.greeted();
    // The message and its payload are two levels.
    const nested = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
    expect(await raw.submit("puppet", { input: nested(126) })).toHaveProperty(
      "type",
      "job.accepted",
    );
    const refused = await raw.submit("puppet", { input: nested(127) });
    expect(refused).toMatchObject(invalid("128 levels"));
    await raw.ping("and on");
  });

  test("R-5.1-3, limit ids, 128 characters: a message with a longer one is refused without naming it", async () => {
    await using home = await house();
    const raw = await home.greeted();
    const id = "i".repeat(128);
    raw.send("job.submit", { agent: "puppet" }, { id });
    expect(await raw.reply(id)).toHaveProperty("type", "job.accepted");
    raw.send("job.submit", { agent: "puppet" }, { id: `${id}i` });
    const error = await raw.find(({ type }) => type === "session.error");
    expect(error).toMatchObject(invalid("id"));
    expect(error["payload"]).not.toHaveProperty("request_id");
  });

  test("R-6.6-6, limit list page, 1,000 jobs: the default is 100", async () => {
    const quick = defineAgent({ name: "quick", run: () => null });
    await using home = await house({ agents: [quick] });
    const raw = await home.greeted(["list_jobs"]);
    const ids = Array.from({ length: 1_001 }, () => raw.send("job.submit", { agent: "quick" }));
    for (const id of ids) expect(await raw.reply(id)).toHaveProperty("type", "job.accepted");
    const page = async (limit?: number) =>
      (await raw.request("session.list_jobs", { limit }))["payload"];
    for (const [asked, given] of [
      [undefined, 100],
      [1_000, 1_000],
      [1_000_000, 1_000],
    ]) {
      const { jobs, next_cursor: next } = await page(asked);
      expect(jobs).toHaveLength(given ?? 0);
      expect(next).toEqual(expect.any(String));
    }
  });
});

describe("jobs", () => {
  test("R-7.1-5, limit liveJobsPerPrincipal: in any session one more is refused until one ends; others are not", async () => {
    await using home = await house({ limits: { liveJobsPerPrincipal: 2 } });
    const [first, second] = [await home.greeted(), await home.greeted()];
    const stranger = await home.greeted([], BOB);
    const { job_id: job = "" } = await first.submit("puppet");
    const puppet = await home.puppets.next();
    await second.submit("puppet");
    for (const raw of [first, second]) {
      expect(await raw.submit("puppet")).toMatchObject(refusal("live_jobs_per_principal"));
    }
    expect(await stranger.submit("puppet")).toHaveProperty("type", "job.accepted");
    puppet.finish();
    await first.find(isEnd(job));
    expect(await second.submit("puppet")).toHaveProperty("type", "job.accepted");
  });

  test("R-7.1-5, limit liveInputCharactersPerPrincipal: beyond it a submit is refused in any session until a job ends; others are not", async () => {
    await using home = await house({ limits: { liveInputCharactersPerPrincipal: 100 } });
    const [first, second] = [await home.greeted(), await home.greeted()];
    const stranger = await home.greeted([], BOB);
    // As JSON it has two characters more.
    const input = "x".repeat(48);
    const { job_id: job = "" } = await first.submit("puppet", { input });
    const puppet = await home.puppets.next();
    await second.submit("puppet", { input });
    const reason = "live_input_characters_per_principal";
    for (const raw of [first, second]) {
      expect(await raw.submit("puppet", { input: "" })).toMatchObject(refusal(reason));
    }
    expect(await stranger.submit("puppet", { input })).toHaveProperty("type", "job.accepted");
    puppet.finish();
    await first.find(isEnd(job));
    expect(await second.submit("puppet", { input })).toHaveProperty("type", "job.accepted");
    expect(await stranger.submit("puppet", { input: "x".repeat(99) })).toMatchObject({
      payload: { code: "INVALID_REQUEST", retryable: false, details: { reason } },
    });
  });

  test("R-14-2, limit liveInputCharactersPerPrincipal: an input is held once while its job runs, and no longer", async () => {
    await using home = await house();
    const raw = await home.greeted();
    const input = "x".repeat(4 * 1024 * 1024 - 1024);
    const count = 8;
    await raw.submit("puppet");
    const before = await heap();
    for (let i = 0; i < count; i++) await raw.submit("puppet", { input });
    const held = ((await heap()) - before) / (count * input.length);
    expect(held).toBeGreaterThan(0.9);
    expect(held).toBeLessThan(1.4);
    await (await home.puppets.next()).ctx.flush();
    for (let i = 0; i < count; i++) (await home.puppets.next()).finish();
    await raw.ping("behind the ends");
    expect(((await heap()) - before) / (count * input.length)).toBeLessThan(0.4);
  });

  test("R-14-2, limit liveInputCharactersPerPrincipal: an input is held once even if its job is run again", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "arcp-"));
    const path = join(directory.path, "arcp.db");
    const count = 8;
    const input = "x".repeat(4 * 1024 * 1024 - 1024);
    // Asked to stop, it leaves its jobs to the next process.
    const agent = defineAgent({
      name: "again",
      attempts: 2,
      run: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    {
      await using home = await house({ store: sqliteStore(path), agents: [agent] });
      const raw = await home.greeted();
      for (let i = 0; i < count; i++) await raw.submit("again", { input });
    }
    const before = await heap();
    let begun = 0;
    const again = defineAgent({
      ...agent,
      run(ctx, given) {
        begun += 1;
        return agent.run(ctx, given);
      },
    });
    await using _ = await house({ store: sqliteStore(path), agents: [again] });
    await eventually(() => begun === count);
    expect(((await heap()) - before) / (count * input.length)).toBeLessThan(1.4);
  });

  test("R-14-2, limit subscriptionsPerSession: one more is refused until one is left; its own jobs do not count", async () => {
    await using home = await house({ limits: { subscriptionsPerSession: 2 } });
    const owner = await home.greeted(["subscribe"]);
    const jobs: string[] = [];
    for (let i = 0; i < 4; i++) {
      jobs.push((await owner.submit("puppet", { idempotency_key: `k${i}` }))["job_id"]);
    }
    const viewer = await home.greeted(["subscribe"]);
    const subscribe = (raw: RawSocket, job: string | undefined, rest: object = {}) =>
      raw.request("job.subscribe", { job_id: job, ...rest });
    await viewer.submit("puppet");
    for (const job of jobs.slice(0, 2)) {
      expect(await subscribe(viewer, job)).toHaveProperty("type", "job.subscribed");
    }
    expect(await subscribe(viewer, jobs[2])).toMatchObject({
      ...refusal("subscriptions_per_session"),
      payload: { ...refusal("subscriptions_per_session").payload, job_id: jobs[2] },
    });
    // A retry of another session's submit would follow its job.
    const retry = { idempotency_key: "k3" };
    expect(await viewer.submit("puppet", retry)).toMatchObject(
      refusal("subscriptions_per_session"),
    );
    // It may subscribe again to what it already follows, and an unknown job is still unknown.
    expect(await subscribe(viewer, jobs[1], { history: true })).toHaveProperty(
      "type",
      "job.subscribed",
    );
    expect(await subscribe(viewer, "job_x")).toHaveProperty("payload.code", "JOB_NOT_FOUND");
    viewer.send("job.unsubscribe", { job_id: jobs[0] });
    expect(await viewer.submit("puppet", retry)).toMatchObject({ job_id: jobs[3] });
    // Ten at once, in place of one.
    viewer.send("job.unsubscribe", { job_id: jobs[3] });
    const ids = Array.from({ length: 10 }, (_, i) =>
      viewer.send("job.subscribe", { job_id: jobs[i % 2 ? 2 : 3] }),
    );
    const answers = await Promise.all(ids.map((id) => viewer.reply(id)));
    const told = (type: string) => answers.filter((answer) => answer["type"] === type).length;
    expect([told("job.subscribed"), told("session.error")]).toEqual([5, 5]);
    expect(await subscribe(owner, jobs[0])).toHaveProperty("type", "job.subscribed");
  });

  test("R-14-2, limit patternsPerLease: a lease with more is refused, whatever they are for", async () => {
    await using home = await house({ limits: { patternsPerLease: 4 } });
    const raw = await home.greeted(["cost.budget"]);
    const lease = {
      "tool.call": ["a", "b"],
      "x-vendor.acme.print": ["c"],
      "cost.budget": ["USD:1"],
    };
    expect(await raw.submit("puppet", { lease_request: lease })).toHaveProperty(
      "type",
      "job.accepted",
    );
    const more = { ...lease, "fs.read": ["/d"] };
    expect(await raw.submit("puppet", { lease_request: more })).toMatchObject({
      payload: {
        code: "INVALID_REQUEST",
        retryable: false,
        message: "payload.lease_request: has 5 patterns; 4 are allowed",
        details: { reason: "patterns_per_lease" },
      },
    });
  });

  test("R-10-8, limit delegationDepth: a job at that depth may not delegate", async () => {
    await using home = await house({ limits: { delegationDepth: 2 } });
    const raw = await home.greeted();
    const lease = { "agent.delegate": ["puppet"] };
    await raw.submit("puppet", { lease_request: lease });
    let { ctx } = await home.puppets.next();
    for (let depth = 1; depth <= 2; depth++) {
      await ctx.delegate("puppet", null, { lease });
      ({ ctx } = await home.puppets.next());
    }
    await expect(ctx.delegate("puppet")).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      details: { reason: "delegation_depth" },
    });
  });

  test("R-9.2-3, limit pattern, 1,024 characters: and 16 wildcards", async () => {
    await using home = await house();
    const raw = await home.greeted();
    const submit = (pattern: string) =>
      raw.submit("puppet", { lease_request: { "tool.call": [pattern] } });
    for (const fits of ["x".repeat(1_024), "a*".repeat(16)]) {
      expect(await submit(fits)).toHaveProperty("type", "job.accepted");
    }
    expect(await submit("x".repeat(1_025))).toMatchObject(invalid("lease_request"));
    expect(await submit("a*".repeat(17))).toMatchObject(invalid("lease_request"));
  });

  test("R-9.2-2, limit target, 8,192 characters: no pattern covers more", async () => {
    await using home = await house();
    const raw = await home.greeted();
    await raw.submit("puppet", { lease_request: { "tool.call": ["**"] } });
    const { ctx } = await home.puppets.next();
    expect(() => ctx.authorize("tool.call", "x".repeat(8_192))).not.toThrow();
    expect(() => ctx.authorize("tool.call", "x".repeat(8_193))).toThrow(
      expect.objectContaining({ code: "PERMISSION_DENIED" }),
    );
  });

  test("R-7.2-1, limit idempotency key, 256 characters: a longer one is refused", async () => {
    await using home = await house();
    const raw = await home.greeted();
    const submit = (length: number) =>
      raw.submit("puppet", { idempotency_key: "k".repeat(length) });
    const { job_id: job } = await submit(256);
    expect(await submit(256)).toHaveProperty("job_id", job);
    expect(await submit(257)).toMatchObject(invalid("payload.idempotency_key"));
    expect(await submit(0)).toMatchObject(invalid("payload.idempotency_key"));
  });

  test("R-8.4-4, limit resultBytes: a streamed result beyond it ends its job, and no other", async () => {
    await using home = await house({ limits: { resultBytes: 1_000 } });
    const raw = await home.greeted(["result_chunk"]);
    for (const [size, type] of [
      [1_000, "job.result"],
      [1_001, "job.error"],
    ] as const) {
      const { job_id: job } = await raw.submit("puppet");
      const puppet = await home.puppets.next();
      const written = puppet.ctx.result.write("é".repeat(size / 2) + "x".repeat(size % 2));
      await written.then(() => puppet.finish(), puppet.fail);
      expect(await raw.find(isEnd(job))).toHaveProperty("type", type);
    }
    expect(raw.received.at(-1)?.["payload"]).toMatchObject({ code: "INTERNAL_ERROR" });
  });

  test("limit fileBytes: a larger file is refused to the agent that reads it, and its job goes on", async () => {
    const workspace = await mkdtemp(join(tmpdir(), "arcp-"));
    await writeFile(join(workspace, "fits"), "x".repeat(1_000));
    await writeFile(join(workspace, "large"), "x".repeat(1_001));
    await using home = await house({ workspace, limits: { fileBytes: 1_000 } });
    const raw = await home.greeted();
    const { job_id: job } = await raw.submit("puppet", { lease_request: { "fs.read": ["*"] } });
    const puppet = await home.puppets.next();
    expect(await puppet.ctx.fs.readText("fits")).toHaveLength(1_000);
    await expect(puppet.ctx.fs.readText("large")).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
    const { payload } = await raw.find(({ payload }) => payload.kind === "tool_result");
    expect(payload.body.error).toMatchObject(invalid("large").payload);
    puppet.finish();
    expect(await raw.find(isEnd(job))).toHaveProperty("type", "job.result");
    await rm(workspace, { recursive: true });
  });

  test("R-4.1-7, limit outbound message, 1 MiB: a longer event is refused to the agent, a longer result ends its job", async () => {
    await using home = await house();
    const raw = await home.greeted();
    const { job_id: job } = await raw.submit("puppet");
    const puppet = await home.puppets.next();
    const mebibyte = "x".repeat(1024 * 1024);
    expect(() => puppet.ctx.thought(mebibyte)).toThrow();
    puppet.finish(mebibyte);
    const end = await raw.find(isEnd(job));
    expect(end["payload"]).toMatchObject({ code: "INTERNAL_ERROR" });
    expect(end["payload"].message).toMatch(/stream/);
  });

  test("R-7.6-5, limit log of a job, 250,000 records: the oldest are evicted, and viewers are told so", async () => {
    await using home = await house({ store: memoryStore({ logLimits: { records: 20 } }) });
    const raw = await home.greeted(["subscribe"]);
    const { job_id: job } = await raw.submit("puppet");
    const puppet = await home.puppets.next();
    for (let i = 0; i < 50; i++) {
      await puppet.ctx.thought(`${i}`);
      await raw.find(({ payload }) => payload.body?.text === `${i}`);
    }
    const viewer = await home.greeted(["subscribe"]);
    const subscribed = await viewer.request("job.subscribe", { job_id: job, history: true });
    expect(subscribed["payload"]).toMatchObject({ replayed: true, truncated: true });
    await viewer.find(({ payload }) => payload.body?.text === "49");
    const seqs = viewer.received.flatMap(({ job_seq: seq }) => seq ?? []);
    expect(seqs.length).toBeLessThanOrEqual(20);
    expect(seqs.at(-1)).toBe(51);
  });

  test("R-14-2, limit logs of a store, 1 Gi characters: the largest log of the biggest holder loses old records", async () => {
    await using home = await house({ store: memoryStore({ totalLogCharacters: 100_000 }) });
    const small = await home.greeted(["subscribe"], BOB);
    const { job_id: kept } = await small.submit("puppet");
    const quiet = await home.puppets.next();
    await quiet.ctx.thought("kept");
    const large = await home.greeted(["subscribe"]);
    const { job_id: cut } = await large.submit("puppet");
    const loud = await home.puppets.next();
    for (let i = 0; i < 50; i++) {
      await loud.ctx.thought(`${i}`.padEnd(5_000));
      await large.find(({ payload }) => payload.body?.text?.trim() === `${i}`);
    }
    const history = async (raw: RawSocket, job: string) =>
      (await raw.request("job.subscribe", { job_id: job, history: true }))["payload"].truncated;
    expect(await history(small, kept)).toBeUndefined();
    expect(await history(large, cut)).toBe(true);
  });

  test("R-7.4-4, limit cancelGraceSec: an agent that has not stopped by then has its job ended", async () => {
    await using home = await house({ limits: { cancelGraceSec: 7 } });
    const raw = await home.greeted();
    const { job_id: job } = await raw.submit("puppet");
    await home.puppets.next();
    expect(await raw.request("job.cancel", { job_id: job })).toHaveProperty(
      "type",
      "job.cancelled",
    );
    home.clock.advance(6_999);
    await raw.ping("not yet");
    expect(raw.received.some(isEnd(job))).toBe(false);
    home.clock.advance(1);
    expect(await raw.find(isEnd(job))).toHaveProperty("payload.code", "CANCELLED");
  });

  test("R-7.3-11, limit retentionSec: a finished job is known until then", async () => {
    await using home = await house({ limits: { retentionSec: 50, resumeWindowSec: 20 } });
    const raw = await home.greeted(["subscribe"]);
    const { job_id: job } = await raw.submit("puppet");
    (await home.puppets.next()).finish();
    await raw.find(isEnd(job));
    home.clock.advance(49_000);
    const subscribe = () => raw.request("job.subscribe", { job_id: job });
    const before = raw.received.length;
    expect(await subscribe()).toHaveProperty("type", "job.subscribed");
    await raw.find(isEnd(job), before);
    await raw.ping("its end has been told again");
    // For a client that sends no acks, what it was sent is kept for a resume window.
    home.clock.advance(11_000);
    expect(await raw.request("job.cancel", { job_id: job })).toHaveProperty(
      "type",
      "job.cancelled",
    );
    home.clock.advance(20_000);
    expect(await subscribe()).toHaveProperty("payload.code", "JOB_NOT_FOUND");
  });

  test("R-14-2, R-7.3-11, limit finishedJobsPerPrincipal: the first to end is evicted; keyed jobs stay, and block a submit beyond it", async () => {
    const quick = defineAgent({ name: "quick", run: () => null });
    await using home = await house({
      agents: [quick],
      limits: { finishedJobsPerPrincipal: 2, liveJobsPerPrincipal: 1 },
    });
    const raw = await home.greeted(["list_jobs"]);
    const stranger = await home.greeted(["list_jobs"], BOB);
    const run = async (by: RawSocket, rest: object = {}): Promise<string> => {
      const { job_id: job = "" } = await by.submit("quick", rest);
      await by.find(isEnd(job));
      return job;
    };
    /** What is listed once no more than `most` are left. */
    const left = async (by: RawSocket, most: number): Promise<string[]> => {
      for (;;) {
        const { jobs } = (await by.request("session.list_jobs", {}))["payload"];
        if (jobs.length <= most) return jobs.map(({ job_id }: { job_id: string }) => job_id).sort();
      }
    };
    const strangers = [await run(stranger), await run(stranger)];
    const jobs = [await run(raw), await run(raw), await run(raw)];
    expect(await left(raw, 2)).toEqual(jobs.slice(1).sort());
    const keyed: string[] = [];
    for (let n = 0; n < 3; n++) keyed.push(await run(raw, { idempotency_key: `${n}` }));
    expect(await raw.submit("quick")).toMatchObject(refusal("finished_jobs_per_principal"));
    expect(await left(raw, 3)).toEqual(keyed.sort());
    expect(await left(stranger, 2)).toEqual(strangers.sort());
  });

  test("R-6.5-7, limit backPressureThreshold: a client that lags by more events is told so once", async () => {
    await using home = await house({ limits: { backPressureThreshold: 5 } });
    const raw = await home.greeted(["ack"]);
    await raw.submit("puppet");
    const puppet = await home.puppets.next();
    for (let i = 0; i < 10; i++) await puppet.ctx.thought(`${i}`);
    await raw.find(({ payload }) => payload.body?.text === "9");
    const notices = raw.received.filter(({ payload }) => payload.body?.phase === "back_pressure");
    expect(notices).toHaveLength(1);
  });

  test("R-9.8-5, limit provisionerSec: an upstream that does not answer fails the submit, and no other", async () => {
    let hangs = true;
    const alive = new Set<string>();
    const llm: Provisioner = {
      async issue({ alias }) {
        if (hangs) await new Promise(() => {});
        alive.add(alias);
        return { value: `sk-of-${alias}-and-more`, endpoint: "https://llm.example/v1" };
      },
      revoke: async (alias) => alive.delete(alias),
    };
    const store = { ...memoryStore(), durable: true };
    await using home = await house({ store, provisioners: { llm }, limits: { provisionerSec: 3 } });
    const alice = await home.greeted(["provisioned_credentials"]);
    const before = home.clock.pending;
    const slow = alice.send("job.submit", { agent: "puppet" });
    await eventually(() => home.clock.pending === before + 1);
    hangs = false;
    const bob = await home.greeted(["provisioned_credentials"], BOB);
    const accepted = await bob.request("job.submit", { agent: "puppet" });
    expect(accepted["payload"].credentials).toHaveLength(1);
    home.clock.advance(3_000);
    expect(await alice.reply(slow)).toMatchObject(refusal("credential_issue"));
    expect(alive.size).toBe(1);
  });

  test("R-9.8-6, limit credentialDoubtSec: a credential that may exist without a reply is searched for that long", async () => {
    const revocations: string[] = [];
    const llm: Provisioner = {
      issue: () => Promise.reject(new TypeError("fetch failed")),
      async revoke(alias) {
        revocations.push(alias);
        return false;
      },
    };
    const store = { ...memoryStore(), durable: true };
    const limits = { credentialDoubtSec: 2 };
    await using home = await house({ store, provisioners: { llm }, limits });
    const alice = await home.greeted();
    expect(await alice.request("job.submit", { agent: "puppet" })).toMatchObject(
      refusal("credential_issue"),
    );
    for (const ms of [0, 500, 1_000]) {
      const asked = revocations.length;
      home.clock.advance(ms);
      await eventually(() => revocations.length === asked + 1 || ms === 0);
      await settled();
      expect(home.runtime.credentials.list()).toMatchObject([{ state: "revoking", failures: 0 }]);
    }
    home.clock.advance(2_000);
    await eventually(() => home.runtime.credentials.list().length === 0);
    expect(await store.credentials.list()).toEqual([]);
  });
});
