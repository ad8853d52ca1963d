import { LocalError, ManualClock } from "@arcp/core";
import { BackpressureError, defineAgent } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { durableWays, ways } from "../../test/line.ts";
import { Puppets } from "../../test/puppets.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const ended = async (wire: WireClient) => (await wire.until(isTerminal)).at(-1);
const code = (code: string) => ({ payload: { code } });

describe.each(ways)("over %s", (way) => {
  test("R-7.1-1: the first fault of a submit decides its refusal", async () => {
    const policy = { maySubmit: (_: string, agent: string) => agent !== "hidden" };
    const picky = defineAgent({
      name: "picky",
      input: {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: () => ({ issues: [{ message: "never", path: ["a", { key: "b" }] }] }),
        },
      },
      run: () => null,
    });
    await using stage = await Stage.open(way, { policy, agents: [picky] });
    const wire = await stage.greeted({ features: ["subscribe"] });
    const bad = { lease_request: { "fs.read": ["relative/**"] } };
    const budget = { lease_request: { "cost.budget": ["EUR:1", "rubbish"] } };
    const cases: [payload: object, code: string, message: RegExp][] = [
      // Schema first, then the feature, the grammar and the name.
      [{ agent: "A@1", max_runtime_sec: 0, ...budget }, "INVALID_REQUEST", /max_runtime_sec/],
      [{ agent: "NO", ...budget }, "INVALID_REQUEST", /cost\.budget/],
      [{ agent: "NO", ...bad }, "INVALID_REQUEST", /agent/],
      [{ agent: "nobody", ...bad }, "AGENT_NOT_AVAILABLE", /nobody/],
      [{ agent: "hidden", ...bad }, "AGENT_NOT_AVAILABLE", /hidden/],
      [{ agent: "picky", ...bad }, "INVALID_REQUEST", /^payload\.input\.a\.b: never/],
      [{ agent: "puppet", ...bad }, "INVALID_REQUEST", /relative/],
    ];
    for (const [index, [payload, expected, message]] of cases.entries()) {
      const id = `req_${index}`;
      await wire.send({ type: "job.submit", id, payload }, { faulty: true });
      const error = await wire.notice(({ type }) => type === "session.error");
      const about = { code: expected, request_id: id, message: expect.stringMatching(message) };
      expect(error.payload, JSON.stringify(payload)).toMatchObject(about);
    }
    await settled();
    expect(stage.puppets.started).toBe(0);
  });

  test("R-7.1-3: a policy may narrow the lease, and the acceptance and the agent get the narrowed one", async () => {
    const policy = { grant: () => ({ "tool.call": ["ocr.page"] }) };
    await using stage = await Stage.open(way, {
      policy,
      tools: { "ocr.page": () => 1, rm: () => 2 },
    });
    const wire = await stage.greeted();
    const lease_request = { "tool.call": ["*"], "fs.read": ["/**"] };
    const { accepted, puppet } = await stage.played(wire, { lease_request });
    expect(accepted.payload.lease).toEqual({ "tool.call": ["ocr.page"] });
    expect(puppet.ctx.lease).toEqual({ "tool.call": ["ocr.page"] });
    await expect(puppet.ctx.tools.call("rm")).rejects.toThrow(/does not cover/);
    expect(await puppet.ctx.tools.call("ocr.page")).toBe(1);
    puppet.finish();
    await ended(wire);
  });

  test("section 7.3: the result is what the agent returned, or null for nothing", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (const value of [undefined, null, 0, "", false, [], { a: [{ b: null }] }, "ä😀"]) {
      const { puppet } = await stage.played(wire);
      puppet.finish(value);
      const end = await ended(wire);
      expect(end?.payload).toEqual({ final_status: "success", result: value ?? null });
    }
  });

  test("R-7.3-8: an unexpected exception ends the job without revealing its message", async () => {
    const sync = defineAgent({
      name: "sync",
      run: () => {
        throw new Error("secret-in-text");
      },
    });
    await using stage = await Stage.open(way, { agents: [sync] });
    const wire = await stage.greeted();
    const thrown = [
      new Error("secret-in-text"),
      new LocalError("BACKPRESSURE", "secret-in-text"),
      new BackpressureError("secret-in-text", 1, Promise.resolve()),
      "secret-in-text",
      undefined,
      null,
      { code: "PERMISSION_DENIED", message: "secret-in-text" },
      new Proxy({}, {}),
    ];
    const generic = new Set<string>();
    for (const error of thrown) {
      const { puppet } = await stage.played(wire);
      puppet.fail(error);
      generic.add(JSON.stringify((await ended(wire))?.payload));
    }
    await wire.submit({ agent: "sync" });
    generic.add(JSON.stringify((await ended(wire))?.payload));
    expect(generic.size).toBe(1);
    const [only = ""] = generic;
    const expected = { final_status: "error", code: "INTERNAL_ERROR", retryable: true };
    expect(JSON.parse(only)).toMatchObject(expected);
    expect(only).not.toContain("secret-in-text");
  });

  test("R-7.3-8: where the operator shows error details, everybody who may watch is told what went wrong", async () => {
    const policy = { mayObserve: () => true };
    await using stage = await Stage.open(way, { showErrorDetails: true, policy });
    const [wire, watcher] = [await stage.greeted(), await stage.greeted({ token: tokens.bob })];
    const { id, puppet } = await stage.played(wire);
    await watcher.request("job.subscribe", { job_id: id });
    puppet.fail(new Error("no stock", { cause: new Error("connect ECONNREFUSED 10.0.0.7:5432") }));
    const message = "no stock: connect ECONNREFUSED 10.0.0.7:5432";
    const expected = { final_status: "error", code: "INTERNAL_ERROR", message, retryable: true };
    for (const viewer of [wire, watcher]) expect((await ended(viewer))?.payload).toEqual(expected);
  });

  test("R-7.3-6: a job ends at the moment its time is up, counted from the acceptance", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, { max_runtime_sec: 5 });
    await wire.next();
    clock.advance(4_999);
    await puppet.ctx.thought("still running");
    expect((await wire.next()).type).toBe("job.event");
    expect(puppet.ctx.signal.aborted).toBe(false);
    clock.advance(1);
    expect(puppet.ctx.signal.aborted).toBe(true);
    const end = await wire.next();
    const expected = { final_status: "timed_out", code: "TIMEOUT", retryable: true };
    expect(end).toMatchObject({ type: "job.error", payload: expected });
  });

  test("R-7.3-3 and R-9.3-1: after the end an agent can neither emit nor do anything", async () => {
    const clock = new ManualClock();
    let called = 0;
    await using stage = await Stage.open(way, { clock, tools: { t: () => ++called } });
    const wire = await stage.greeted();
    const lease_request = { "tool.call": ["t"] };
    const { id, puppet } = await stage.played(wire, { max_runtime_sec: 1, lease_request });
    clock.advance(1_000);
    expect(await ended(wire)).toMatchObject({ type: "job.error" });
    const { ctx } = puppet;
    await ctx.thought("late");
    await ctx.metric({ name: "cost.x", value: 1, unit: "EUR" });
    await ctx.result.write("late").catch(() => {});
    await expect(ctx.tools.call("t")).rejects.toMatchObject({ code: "CANCELLED" });
    expect(() => ctx.authorize("tool.call", "t")).toThrow(/no longer active/);
    puppet.finish("too late");
    await settled();
    const watcher = await stage.greeted();
    await watcher.request("job.subscribe", { job_id: id, history: true });
    expect(await watcher.until(isTerminal)).toHaveLength(2);
    expect(called).toBe(0);
    // The sniffer fails if anything follows the end; this gives it the chance to.
    const { puppet: next } = await stage.played(wire);
    next.finish();
    expect(await wire.until(isTerminal)).toHaveLength(2);
  });

  test("R-7.3-2 and R-7.3-3: of many races between the return and the deadline, each has one winner", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const won = { "job.result": 0, "job.error": 0 };
    // On a disk, a round mostly waits for commits.
    const rounds = durableWays.includes(way) ? 200 : 1000;
    for (let round = 0; round < rounds; round++) {
      const { id, puppet } = await stage.played(wire, { max_runtime_sec: 1 });
      const hops = round % 7;
      if (hops % 2 === 0) puppet.finish(round);
      for (let hop = 0; hop < hops; hop++) await undefined;
      clock.advance(1_000);
      if (hops % 2 === 1) puppet.finish(round);
      const all = await wire.until(isTerminal);
      const end = all.at(-1);
      expect(all).toHaveLength(2);
      expect(end?.job_id).toBe(id);
      if (end?.type === "job.result") expect(end.payload.result).toBe(round);
      else expect(end?.payload).toMatchObject({ code: "TIMEOUT", final_status: "timed_out" });
      won[end?.type === "job.result" ? "job.result" : "job.error"] += 1;
      if (round % 100 !== 0) continue;
      // A client that asks is told the same winner.
      const watcher = await stage.greeted();
      const { payload } = await watcher.request("job.subscribe", { job_id: id });
      expect(payload.current_status).toBe(end?.payload["final_status" as never]);
      expect((await watcher.next()).payload).toEqual(end?.payload);
      await watcher.close();
    }
    expect(Math.min(...Object.values(won))).toBeGreaterThan(rounds / 10);
  });

  test("R-7.3-7: a deadline beyond the range of the platform's timers does not fire at once", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (const max_runtime_sec of [2_147_484, 4_294_968, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const { puppet } = await stage.played(wire, { max_runtime_sec });
      await settled();
      expect(puppet.ctx.signal.aborted).toBe(false);
      puppet.finish("in time");
      expect((await ended(wire))?.payload).toMatchObject({ result: "in time" });
    }
  });

  test("R-7.3-7: fifty days are counted to the millisecond", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const days = 50 * 86_400;
    const { puppet } = await stage.played(wire, { max_runtime_sec: days });
    clock.advance(days * 1000 - 1);
    expect(puppet.ctx.signal.aborted).toBe(false);
    clock.advance(1);
    expect((await ended(wire))?.payload).toMatchObject({ code: "TIMEOUT" });
  });

  test("R-6.7-6: a runtime that shuts down says so, and its jobs stop", async () => {
    const stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    const closing = stage.runtime.close();
    const closed = await wire.notice(({ type }) => type === "session.closed");
    expect(closed.payload).toHaveProperty("reason");
    expect(await wire.closed).toBe("going-away");
    await closing;
    expect(puppet.ctx.signal.aborted).toBe(true);
    await stage[Symbol.asyncDispose]();
  });
});

describe.each(ways)("agents over %s", (way) => {
  test("R-7.5-2 and R-7.5-3: an unknown name, a forbidden one and an unknown version get the right codes", async () => {
    const versioned = new Puppets({ name: "indexer", version: "1.1.0" });
    const policy = { maySubmit: (_: string, agent: string) => agent !== "hidden" };
    const hidden = defineAgent({ name: "hidden", run: () => null });
    await using stage = await Stage.open(way, { policy, agents: [versioned.agent, hidden] });
    const wire = await stage.greeted();
    const { agents = [] } = wire.welcome.payload.capabilities;
    expect(agents.map(({ name }) => name)).toEqual(["indexer", "puppet"]);
    for (const agent of ["nobody", "nobody@1", "hidden"]) {
      await expect(wire.submit({ agent })).rejects.toMatchObject(code("AGENT_NOT_AVAILABLE"));
    }
    for (const agent of ["indexer@4.0.0", "indexer@1.1", "indexer@1.1.0a", "puppet@1"]) {
      const refused = wire.submit({ agent });
      await expect(refused).rejects.toMatchObject(code("AGENT_VERSION_NOT_AVAILABLE"));
    }
    const accepted = await wire.submit({ agent: "indexer@1.1.0" });
    expect(accepted.payload.agent).toBe("indexer@1.1.0");
  });

  test("R-7.5-4 and R-7.5-5: a bare name is resolved once, shown resolved, and stays what it was", async () => {
    const first = new Puppets({ name: "a", version: "1.0.0" });
    const second = new Puppets({ name: "a", version: "2.0.0-rc.1+x" });
    const bare = new Puppets({ name: "a" });
    await using stage = await Stage.open(way, { agents: [first.agent, second.agent] });
    const { agents } = stage.runtime;
    const wire = await stage.greeted();
    const submitted = async () => (await wire.submit({ agent: "a" })).payload;
    // Without a default: the version registered first, unless there is an unversioned handler.
    const early = await submitted();
    expect(early.agent).toBe("a@1.0.0");
    agents.register(bare.agent);
    expect((await submitted()).agent).toBe("a");
    agents.setDefault("a", "2.0.0-rc.1+x");
    expect((await submitted()).agent).toBe("a@2.0.0-rc.1+x");
    expect((await wire.submit({ agent: "a@1.0.0" })).payload.agent).toBe("a@1.0.0");
    agents.register(new Puppets({ name: "a", version: "1.0.0" }).agent);
    const { job_id } = early;
    const described = await wire.request("job.subscribe", { job_id });
    expect(described.payload.agent).toBe("a@1.0.0");
    (await first.next()).finish("the old code");
    expect((await ended(wire))?.payload).toMatchObject({ result: "the old code" });
  });
});
