import { isDeepStrictEqual } from "node:util";
import { type Envelope, formatTimestamp, ManualClock } from "@arcp/core";
import { defineAgent } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import type { Puppet } from "../../test/puppets.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

type Submit = Partial<Sent<"job.submit">>;

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const isAcceptance = (envelope: Envelope): envelope is Envelope<"job.accepted"> =>
  envelope.type === "job.accepted";
const eventsOf = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.flatMap((envelope) => (envelope.type === "job.event" ? [envelope.payload] : []));
const delegating = { "agent.delegate": ["puppet", "maker", "absent"] };
const cancel = (wire: WireClient, id: string, reason?: string) =>
  wire.request("job.cancel", { job_id: id, ...(reason && { reason }) });
const isEndOf =
  (id: string) =>
  (envelope: StreamEnvelope): boolean =>
    isTerminal(envelope) && envelope.job_id === id;

/** The fields of a value that `like` has. */
function picked(value: unknown, like: object): object {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => key in like));
}

/** A job that may delegate to its like. */
async function parent(stage: Stage, wire: WireClient, rest: Submit = {}) {
  const lease_request = { ...delegating, ...rest.lease_request };
  return stage.played(wire, { ...rest, lease_request });
}

/** Lets a job delegate to another puppet. Returns the child's run. */
async function delegated(
  stage: Stage,
  { ctx }: Puppet,
  ...[input, options]: [unknown?, Parameters<typeof ctx.delegate>[2]?]
) {
  const child = await ctx.delegate("puppet", input, options);
  return { child, puppet: await stage.puppets.next() };
}

describe.each(ways)("delegation over %s", (way) => {
  test("R-10-2, R-10-4 and R-10-7: the event, the child's acceptance, its events; then the parent gets the result", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const traceId = "0123456789abcdef0123456789abcdef";
    const accepted = await wire.submit(
      { agent: "puppet", lease_request: { ...delegating, "tool.call": ["ocr.*"] } },
      { traceId },
    );
    const puppet = await stage.puppets.next();
    const { child, puppet: its } = await delegated(
      stage,
      puppet,
      { page: 78 },
      { id: "d-1", lease: { "tool.call": ["ocr.page"] }, maxRuntimeSec: 60 },
    );
    expect(its.input).toEqual({ page: 78 });
    await its.ctx.thought("mine");
    const seen = await wire.until((e) => e.job_id === child.id && e.job_seq === 2);
    expect(seen.map(({ event_seq }) => event_seq)).toEqual([1, 2, 3, 4]);
    expect(eventsOf(seen)[1]).toMatchObject({
      kind: "delegate",
      body: {
        delegate_id: "d-1",
        child_job_id: child.id,
        agent: "puppet",
        input: { page: 78 },
        lease_request: { "tool.call": ["ocr.page"] },
        max_runtime_sec: 60,
      },
    });
    const introduced = await wire.notice(isAcceptance);
    expect(introduced.payload).toMatchObject({
      job_id: child.id,
      parent_job_id: accepted.payload.job_id,
      delegate_id: "d-1",
      agent: "puppet",
      lease: { "tool.call": ["ocr.page"] },
      trace_id: traceId,
    });
    expect(introduced.payload).not.toHaveProperty("request_id");
    const { payload: listed } = await wire.request("session.list_jobs", {});
    const parents = listed.jobs.map(({ job_id, parent_job_id }) => [job_id, parent_job_id]);
    expect(Object.fromEntries(parents)).toEqual({
      [accepted.payload.job_id]: null,
      [child.id]: accepted.payload.job_id,
    });
    its.finish({ text: "ok" });
    expect(await child.result()).toEqual({ text: "ok" });
    expect(await wire.next(isEndOf(child.id))).toMatchObject({ trace_id: traceId });
    puppet.finish();
    await wire.next(isTerminal);
  });

  test("R-10-7: a streamed result of a child reaches the parent whole, as text or as bytes", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire);
    for (const pieces of [
      ["a", "b", "😀"],
      [Uint8Array.of(1, 2), Uint8Array.of(3)],
    ]) {
      const { child, puppet: its } = await delegated(stage, puppet);
      for (const piece of pieces) await its.ctx.result.write(piece);
      its.finish();
      const expected = typeof pieces[0] === "string" ? "ab😀" : Uint8Array.of(1, 2, 3);
      const result = await child.result();
      expect(result instanceof Uint8Array ? Uint8Array.from(result) : result).toEqual(expected);
    }
    puppet.finish();
  });

  const refusals: ReadonlyArray<
    readonly [string, string, (ctx: Puppet["ctx"]) => Promise<unknown>]
  > = [
    ["R-10-1: an agent that is not covered", "PERMISSION_DENIED", (ctx) => ctx.delegate("other")],
    ["R-10-3: an agent that is not there", "AGENT_NOT_AVAILABLE", (ctx) => ctx.delegate("absent")],
    [
      "R-9.4-1: a tool that the parent may not call",
      "LEASE_SUBSET_VIOLATION",
      (ctx) => ctx.delegate("puppet", null, { lease: { "tool.call": ["*"] } }),
    ],
    [
      "R-9.4-1: a namespace that the parent does not have",
      "LEASE_SUBSET_VIOLATION",
      (ctx) => ctx.delegate("puppet", null, { lease: { "fs.read": ["/a"] } }),
    ],
    [
      "R-9.4-4: more than remains",
      "LEASE_SUBSET_VIOLATION",
      (ctx) => ctx.delegate("puppet", null, { lease: { "cost.budget": ["USD:1.51"] } }),
    ],
    [
      "R-9.4-4: a currency that the parent has no budget of",
      "LEASE_SUBSET_VIOLATION",
      (ctx) => ctx.delegate("puppet", null, { lease: { "cost.budget": ["EUR:1"] } }),
    ],
    [
      "R-9.4-5: a later expiry",
      "LEASE_SUBSET_VIOLATION",
      (ctx) => ctx.delegate("puppet", null, { expiresAt: new Date("2100-01-01T00:00:01Z") }),
    ],
    [
      "R-9.5-1: an expiry that has passed",
      "INVALID_REQUEST",
      (ctx) => ctx.delegate("puppet", null, { expiresAt: new Date("2020-01-01T00:00:00Z") }),
    ],
    ["a reference that is none", "INVALID_REQUEST", (ctx) => ctx.delegate("puppet@")],
    [
      "R-9.2-1: a namespace that is no capability",
      "INVALID_REQUEST",
      (ctx) => ctx.delegate("puppet", null, { lease: { "fs.delete": ["/a"] } as object }),
    ],
    [
      "R-9.2-3: a malformed pattern",
      "INVALID_REQUEST",
      (ctx) => ctx.delegate("puppet", null, { lease: { "fs.read": ["/a/../b"] } }),
    ],
    [
      "R-9.6-1: an amount that is none",
      "INVALID_REQUEST",
      (ctx) => ctx.delegate("puppet", null, { lease: { "cost.budget": ["USD:-1"] } }),
    ],
  ];
  test("R-10-3: each refusal shows the delegation without a child, and an error with its id; parent and session go on", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire, {
      lease_request: { "tool.call": ["ocr.*"], "cost.budget": ["USD:8"] },
      lease_constraints: { expires_at: "2100-01-01T00:00:00Z" },
    });
    await puppet.ctx.metric({ name: "cost.x", value: 6.5, unit: "USD" });
    for (const [what, code, attempt] of refusals) {
      const error = await attempt(puppet.ctx).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect.soft(error, what).toMatchObject({ code });
      const [delegate = {}, result = {}] = eventsOf(
        await wire.until((e) => e.type === "job.event" && e.payload.kind === "tool_result"),
      )
        .slice(-2)
        .map(({ kind, body }): Record<string, unknown> => ({ kind, ...body }));
      expect(delegate["kind"], what).toBe("delegate");
      expect(delegate, what).not.toHaveProperty("child_job_id");
      expect(result["call_id"], what).toBe(delegate["delegate_id"]);
      expect(result, what).toMatchObject({ kind: "tool_result", error: { code } });
    }
    // A delegation that fits is granted all the same.
    const { child, puppet: its } = await delegated(stage, puppet, null, {
      lease: { "tool.call": ["ocr.*"], "cost.budget": ["USD:1.50"] },
    });
    expect(its.ctx.budget.remaining()).toEqual({ USD: "1.5" });
    expect(puppet.ctx.budget.available()).toEqual({ USD: "0" });
    its.finish();
    await child.result();
    puppet.finish("alive");
    expect(await wire.until(isEndOf(puppet.ctx.job.id))).not.toHaveLength(0);
    expect(stage.puppets.started).toBe(2);
  });

  test("R-9.4-3: a child gets what it asks for, and inherits what bounds its parent", async () => {
    const clock = new ManualClock();
    const at = formatTimestamp(clock.now() + 60_000);
    await using stage = await Stage.open(way, { clock, tools: { t: () => 1 } });
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire, {
      lease_request: { "tool.call": ["t"], "cost.budget": ["USD:1"] },
      lease_constraints: { expires_at: at },
    });
    const { child, puppet: its } = await delegated(stage, puppet);
    expect((await wire.notice(isAcceptance)).payload).toMatchObject({
      job_id: child.id,
      lease: {},
      lease_constraints: { expires_at: at },
    });
    await expect(its.ctx.tools.call("t")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    // R-9.6-8: without a budget of its own it spends its parent's.
    await its.ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
    expect(puppet.ctx.budget.remaining()).toEqual({ USD: "0" });
    for (const { ctx } of [puppet, its]) {
      expect(() => ctx.authorize("tool.call", "t")).toThrow(
        expect.objectContaining({ code: "BUDGET_EXHAUSTED" }),
      );
    }
    // A wall clock that is set back gains nothing, whenever the job was delegated (R-9.5-5).
    clock.advance(60_000);
    const ends = [await wire.next(isTerminal), await wire.next(isTerminal)];
    expect(ends.map(({ payload }) => payload)).toContainEqual(
      expect.objectContaining({ code: "LEASE_EXPIRED" }),
    );
  });

  test("R-9.6-8: children together cannot spend more than their parent", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire, { lease_request: { "cost.budget": ["USD:3"] } });
    const grant = { lease: { "cost.budget": ["USD:1"] } };
    const three = [];
    for (let i = 0; i < 3; i++) three.push(await delegated(stage, puppet, null, grant));
    await expect(puppet.ctx.delegate("puppet", null, grant)).rejects.toMatchObject({
      code: "LEASE_SUBSET_VIOLATION",
    });
    for (const { puppet: its } of three) {
      await its.ctx.metric({ name: "cost.x", value: 1, unit: "USD" });
      expect(() => its.ctx.spend.reserve({ USD: "0.01" })).toThrow(
        expect.objectContaining({ code: "BUDGET_EXHAUSTED" }),
      );
    }
    expect(puppet.ctx.budget.remaining()).toEqual({ USD: "0" });
    await expect(puppet.ctx.delegate("puppet")).rejects.toMatchObject({ code: "BUDGET_EXHAUSTED" });
    for (const { puppet: its, child } of three) {
      its.finish();
      await child.result();
    }
    puppet.finish();
    await wire.until(isEndOf(puppet.ctx.job.id));
  });

  test("R-10-6: a cancel signals the children too, and the end of the grace period ends them with their parent", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const { id, puppet } = await parent(stage, wire, {
      lease_request: { "cost.budget": ["USD:10"] },
    });
    const grant = { lease: { ...delegating, "cost.budget": ["USD:5"] } };
    const { puppet: its } = await delegated(stage, puppet, null, grant);
    const { child: grandchild, puppet: third } = await delegated(stage, its);
    const held = third.ctx.spend.reserve({ USD: "1" });
    await cancel(wire, id);
    await eventually(() => third.ctx.signal.aborted);
    expect(its.ctx.signal.aborted).toBe(true);
    await expect(grandchild.result()).rejects.toMatchObject({ code: "CANCELLED" });
    expect(() => third.ctx.authorize("tool.call", "t")).toThrow(
      expect.objectContaining({ code: "CANCELLED" }),
    );
    await expect(puppet.ctx.delegate("puppet")).rejects.toMatchObject({ code: "CANCELLED" });
    // Costs in the grace period still count, up to the last report of the parent's budget.
    await third.ctx.metric({ name: "cost.x", value: 2, unit: "USD" });
    clock.advance(30_000);
    const all: StreamEnvelope[] = [];
    while (all.filter(isTerminal).length < 3) all.push(...(await wire.until(isTerminal)));
    const orphaned = { code: "CANCELLED", details: { reason: "parent_ended" } };
    for (const { job_id, payload } of all.filter(isTerminal)) {
      if (job_id === id) expect(payload).not.toHaveProperty("details");
      else expect(payload).toMatchObject(orphaned);
    }
    const remainders = eventsOf(all.filter(({ job_id }) => job_id === id))
      .filter(({ body }) => (body as { name?: string }).name === "cost.budget.remaining")
      .map(({ body }) => (body as { value: number }).value);
    expect(remainders.at(-1)).toBe(8);
    expect(puppet.ctx.budget.available()).toEqual({ USD: "8" });
    await held.settle({ USD: "1" });
    expect(puppet.ctx.budget.remaining()).toEqual({ USD: "8" });
    for (const run of [puppet, its, third]) run.finish();
  });

  for (const [how, rest, end] of [
    ["returns", {}, ({ finish }: Puppet) => finish("early")],
    ["fails", {}, ({ fail }: Puppet) => fail(new Error("oh"))],
    ["times out", { max_runtime_sec: 5 }, () => {}],
    [
      "expires",
      { lease_constraints: { expires_at: formatTimestamp(new ManualClock().now() + 5_000) } },
      () => {},
    ],
  ] as const) {
    test(`R-10-6 and R-9.6-13: when a parent ${how}, its children end at once, and no reservation stays open`, async () => {
      const clock = new ManualClock();
      await using stage = await Stage.open(way, { clock });
      const wire = await stage.greeted();
      const budgeted = { ...rest, lease_request: { "cost.budget": ["USD:10"] } };
      const { id, puppet } = await parent(stage, wire, budgeted);
      const grant = { lease: { ...delegating, "cost.budget": ["USD:4"] } };
      const { child, puppet: its } = await delegated(stage, puppet, null, grant);
      const { child: grandchild, puppet: third } = await delegated(stage, its);
      for (const { ctx } of [puppet, its, third]) ctx.spend.reserve({ USD: "1" });
      expect(puppet.ctx.budget.available()).toEqual({ USD: "5" });
      end(puppet);
      clock.advance(5_000);
      const ends = new Map<string | undefined, unknown>();
      while (ends.size < 3) {
        const { job_id, payload } = await wire.next(isTerminal);
        expect(ends.has(job_id)).toBe(false);
        ends.set(job_id, payload);
      }
      expect(ends.has(id)).toBe(true);
      for (const job of [child, grandchild]) {
        const orphaned = { code: "CANCELLED", details: { reason: "parent_ended" } };
        // Of two jobs whose leases expire at the same moment, either may be the first.
        const fits = [orphaned, ...(how === "expires" ? [{ code: "LEASE_EXPIRED" }] : [])];
        expect(fits.some((fit) => isDeepStrictEqual(picked(ends.get(job.id), fit), fit))).toBe(
          true,
        );
      }
      for (const run of [its, third]) expect(run.ctx.signal.aborted).toBe(true);
      expect(puppet.ctx.budget.available()).toEqual({ USD: "10" });
      expect(its.ctx.budget.available()).toEqual({ USD: "4" });
      const { payload } = await wire.request("session.list_jobs", {
        filter: { status: ["pending", "running"] },
      });
      expect(payload.jobs).toEqual([]);
    });
  }

  test("R-10-2 and R-6.3-8: a child that was delegated while nobody was connected is introduced in its place", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await parent(stage, wire);
    await wire.next();
    await stage.drop(wire);
    await puppet.ctx.thought("2");
    const { child, puppet: its } = await delegated(stage, puppet);
    await its.ctx.thought("mine");
    await puppet.ctx.thought("4");
    await settled();
    const again = await stage.resumed(wire);
    // The sniffer checks that the acceptance comes between the delegation and the child's first event.
    const seen = await again.until((e) => e.job_id === child.id && e.job_seq === 2);
    expect((await again.notice(isAcceptance)).payload).toMatchObject({ job_id: child.id });
    expect(eventsOf(seen).map(({ kind }) => kind)).toContain("delegate");
    // What was lost in flight is sent again, with the acceptance first (R-6.3-8).
    await stage.drop(again);
    const third = await stage.resumed(again, { lastEventSeq: 1 });
    expect((await third.notice(isAcceptance)).payload).toMatchObject({
      job_id: child.id,
      parent_job_id: id,
    });
    its.finish();
    await third.next(isEndOf(child.id));
    puppet.finish();
    await third.next(isEndOf(id));
  });

  test("R-14-3 and R-10-2: what its owner has not received yet is kept for it, and then no longer", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock, limits: { retentionSec: 60 } });
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire);
    await wire.next();
    await stage.drop(wire);
    await settled();
    const { child, puppet: its } = await delegated(stage, puppet, null, { lease: delegating });
    const { child: grandchild, puppet: third } = await delegated(stage, its);
    third.finish(3);
    await grandchild.result();
    its.finish(2);
    await child.result();
    for (let second = 0; second < 300; second += 10) {
      clock.advance(10_000);
      await settled();
    }
    const again = await stage.resumed(wire);
    expect((await again.next(isEndOf(child.id))).payload).toMatchObject({ result: 2 });
    expect((await again.next(isEndOf(grandchild.id))).payload).toMatchObject({ result: 3 });
    puppet.finish();
    await again.next(isTerminal);
    // Once they were sent and a resume window has passed, nobody needs them.
    const listed = async () =>
      (await again.request("session.list_jobs", {})).payload.jobs.map(({ job_id }) => job_id);
    expect(await listed()).toHaveLength(3);
    for (let second = 0; second < 800; second += 10) {
      clock.advance(10_000);
      await settled();
    }
    // The last removal may be on its way to the disk.
    await expect.poll(listed).toEqual([]);
  });

  test("R-10-2: a viewer of the parent sees the delegation, and nothing of the child", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await parent(stage, wire);
    const watcher = await stage.greeted({ token: tokens.alice2 });
    await watcher.request("job.subscribe", { job_id: id, history: true });
    const { child, puppet: its } = await delegated(stage, puppet);
    await its.ctx.thought("mine");
    its.finish();
    await child.result();
    puppet.finish();
    const seen = await watcher.until(isTerminal);
    expect(seen.every(({ job_id }) => job_id === id)).toBe(true);
    expect(eventsOf(seen).map(({ kind }) => kind)).toContain("delegate");
    expect(watcher.transcript.toString()).not.toContain("job.accepted");
  });

  test("R-7.2-8 and R-10-4: a session that adopts a job adopts its children", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const keyed = { lease_request: delegating, idempotency_key: "k" };
    const { id, puppet } = await parent(stage, wire, keyed);
    const { child, puppet: its } = await delegated(stage, puppet);
    await wire.next((e) => e.job_id === child.id);
    await stage.drop(wire);
    await settled();
    clock.advance(600_000);
    await settled();
    const heir = await stage.greeted({ token: tokens.alice2 });
    const again = await heir.submit({ agent: "puppet", ...keyed });
    expect(again.payload.job_id).toBe(id);
    expect((await heir.notice(isAcceptance)).payload).toMatchObject({ job_id: child.id });
    await cancel(heir, child.id);
    its.finish();
    expect((await heir.next(isEndOf(child.id))).payload).toMatchObject({ code: "CANCELLED" });
    // Later delegations belong to the heir as well.
    const { child: next, puppet: third } = await delegated(stage, puppet);
    third.finish();
    await heir.next(isEndOf(next.id));
    puppet.finish();
    await heir.next(isEndOf(id));
  });

  test("R-D-12: a submit that names a parent is a delegation by that job", async () => {
    await using stage = await Stage.open(way);
    // The reply to a submit need not wait for the event (R-10-2).
    const wire = await stage.greeted({}, { waive: ["R-10-2"] });
    const { id, puppet } = await parent(stage, wire, {
      lease_request: { "cost.budget": ["USD:1"] },
    });
    const submit = (rest: Submit) =>
      wire.submit({ agent: "puppet", parent_job_id: id, idempotency_key: "k", ...rest });
    const grant = { "cost.budget": ["USD:0.75"] };
    const { payload } = await submit({ lease_request: grant, input: 7 });
    expect(payload).toMatchObject({ parent_job_id: id, lease: grant, budget: { USD: 0.75 } });
    expect(puppet.ctx.budget.available()).toEqual({ USD: "0.25" });
    const its = await stage.puppets.next();
    expect(its.input).toBe(7);
    const again = await submit({ lease_request: grant, input: 7 });
    expect(again.payload.job_id).toBe(payload.job_id);
    const refused = { payload: { code: "LEASE_SUBSET_VIOLATION" } };
    await expect(submit({ lease_request: grant, idempotency_key: "l" })).rejects.toMatchObject(
      refused,
    );
    its.finish("done");
    const seen = await wire.until(isEndOf(payload.job_id));
    expect(new Set(seen.map(({ id: message }) => message)).size).toBe(seen.length);
    expect(eventsOf(seen)).toContainEqual(
      expect.objectContaining({
        kind: "delegate",
        body: expect.objectContaining({ child_job_id: payload.job_id }),
      }),
    );
    puppet.finish();
    await wire.until(isEndOf(id));
    for (const [asking, parentId] of [
      [wire, id],
      [wire, "job_01KB3H"],
      [await stage.greeted({ token: tokens.bob }), id],
    ] as const) {
      await expect(
        asking.submit({ agent: "puppet", parent_job_id: parentId }),
      ).rejects.toMatchObject({ payload: { code: "INVALID_REQUEST" } });
    }
  });

  test("the input and the result of a delegation are JSON, and shared with nobody", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire);
    const input = { pages: [1] };
    const { child, puppet: its } = await delegated(stage, puppet, input);
    (its.input as typeof input).pages.push(2);
    expect(input).toEqual({ pages: [1] });
    its.finish({ at: new Date(0), none: undefined });
    expect(await child.result()).toEqual({ at: "1970-01-01T00:00:00.000Z" });
    const loop: { self?: unknown } = {};
    loop.self = loop;
    for (const given of [loop, 1n, () => {}]) {
      await expect(puppet.ctx.delegate("puppet", given)).rejects.toMatchObject({
        code: "INVALID_REQUEST",
      });
    }
    await expect(
      puppet.ctx.delegate("puppet", null, { expiresAt: new Date("never") }),
    ).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    await puppet.ctx.delegate("puppet", null, { id: "mine" });
    await expect(puppet.ctx.delegate("puppet", null, { id: "mine" })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
    puppet.finish();
    await wire.until(isEndOf(puppet.ctx.job.id));
  });

  test("R-10-7: an agent's own types reach the agent that delegates to it", async () => {
    const maker = defineAgent({
      name: "maker",
      run: async (_ctx, { count }: { count: number }) => ({ made: count }),
    });
    await using stage = await Stage.open(way, { agents: [maker] });
    const wire = await stage.greeted();
    const { puppet } = await parent(stage, wire);
    const child = await puppet.ctx.delegate(maker, { count: 3 });
    const { made }: { made: number } = await child.result();
    expect(made).toBe(3);
    puppet.finish();
    await wire.until(isEndOf(puppet.ctx.job.id));
  });
});
