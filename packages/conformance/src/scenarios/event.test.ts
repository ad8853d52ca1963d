import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const MIB = 1024 * 1024;
const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const bodies = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.flatMap((e) => (e.type === "job.event" ? [[e.payload.kind, e.payload.body]] : []));

describe.each(ways)("over %s", (way) => {
  test("R-8.1-1 and section 8.2: everything that an agent can emit arrives unchanged, in order", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    const { ctx } = puppet;
    const levels = ["trace", "debug", "info", "warn", "error", "critical"] as const;
    for (const level of levels)
      await ctx.log[level](`${level} ä😀\n\u0000"`, { page: 77, n: null });
    await ctx.thought("");
    await ctx.status("merging", "joining");
    await ctx.status("bare");
    await ctx.progress({ current: 0 });
    await ctx.progress({ current: 3.5, total: 10, units: "pages", message: "m" });
    await ctx.metric({ name: "m", value: -1.5, unit: "s", dimensions: { engine: "x" } });
    const sha256 = "a".repeat(64);
    const artifact = { uri: "https://f.test/9", content_type: "a/b", byte_size: 0, sha256 };
    await ctx.artifact(artifact);
    puppet.finish();
    const all = await wire.until(isTerminal);
    expect(bodies(all).slice(1)).toEqual([
      ...levels.map((level) => [
        "log",
        { level, message: `${level} ä😀\n\u0000"`, attributes: { page: 77, n: null } },
      ]),
      ["thought", { text: "" }],
      ["status", { phase: "merging", message: "joining" }],
      ["status", { phase: "bare" }],
      ["progress", { current: 0 }],
      ["progress", { current: 3.5, total: 10, units: "pages", message: "m" }],
      ["metric", { name: "m", value: -1.5, unit: "s", dimensions: { engine: "x" } }],
      ["artifact_ref", artifact],
    ]);
    for (const e of all) {
      expect(e.job_id).toBe(ctx.job.id);
      if (e.type === "job.event") expect(e.payload.ts).toMatch(/^\d{4}-.*T.*\.\d{3}Z$/);
    }
  });

  test("R-8.1-2, R-8.2-3, R-9.3-5 and R-9.6-4: an invalid event is refused to the agent, and nothing is sent", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const lease_request = { "cost.budget": ["EUR:5"] };
    const { puppet } = await stage.played(wire, { lease_request });
    const { ctx } = puppet;
    const any = (value: unknown) => value as never;
    const wrong: (() => unknown)[] = [
      () => ctx.emit("note", {}),
      () => ctx.emit("x-vendor.acme", {}),
      () => ctx.emit("x-vendor.Acme.note", {}),
      () => ctx.emit("", {}),
      () => ctx.emit(any(undefined), {}),
      () => ctx.emit("x-vendor.acme.note", any([])),
      () => ctx.emit("x-vendor.acme.note", any(null)),
      () => ctx.emit("x-vendor.acme.note", any("text")),
      ...[
        "log",
        "thought",
        "tool_call",
        "tool_result",
        "status",
        "metric",
        "delegate",
        "progress",
      ].map((kind) => () => ctx.emit(kind, { text: "x", phase: "x" })),
      () => ctx.emit("result_chunk", { result_id: "r", chunk_seq: 0, data: "", more: false }),
      () => ctx.status("running"),
      () => ctx.status("back_pressure"),
      () => ctx.status("credential_rotated"),
      () => ctx.status(""),
      () => ctx.status(any(5)),
      () => ctx.metric({ name: "cost.budget.remaining", value: 1, unit: "EUR" }),
      () => ctx.metric({ name: "cost.budget.x", value: 1 }),
      () => ctx.metric({ name: "cost.x", value: -0.01, unit: "EUR" }),
      () => ctx.metric({ name: "cost.x", value: Number.NaN, unit: "EUR" }),
      () => ctx.metric({ name: "cost.x", value: Number.POSITIVE_INFINITY, unit: "EUR" }),
      () => ctx.metric({ name: "cost.x", value: any("1"), unit: "EUR" }),
      () => ctx.metric({ name: "", value: 1 }),
      () => ctx.metric({ name: "m", value: 1, dimensions: any({ a: 1 }) }),
      () => ctx.progress({ current: -1 }),
      () => ctx.progress({ current: 1, total: -1 }),
      () => ctx.progress({ current: any("1") }),
      () => ctx.artifact({ uri: "", content_type: "a/b" }),
      () => ctx.artifact({ uri: "u", content_type: "a/b", byte_size: 1.5 }),
      () => ctx.artifact({ uri: "u", content_type: "a/b", sha256: "abc" }),
      () => ctx.log.info(any(5)),
      () => ctx.thought(any({})),
    ];
    for (const say of wrong) {
      expect(say, `${say}`).toThrow(expect.objectContaining({ code: "INVALID_REQUEST" }));
    }
    expect(ctx.budget.remaining()).toEqual({ EUR: "5" });
    puppet.finish("unharmed");
    const all = await wire.until(isTerminal);
    expect(all).toHaveLength(2);
    expect(all.at(-1)?.payload).toMatchObject({ result: "unharmed" });
  });

  test("R-4.1-7: an event that does not fit into a message is refused, one that just fits is sent", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    const { ctx } = puppet;
    // With characters of one, two and three bytes, and one that takes six in JSON.
    for (const [letter, bytes] of [
      ["a", 1],
      ["ä", 2],
      ["€", 3],
      ["\u0001", 6],
    ] as const) {
      const fits = Math.floor((MIB - 1024) / bytes);
      await ctx.thought(letter.repeat(fits));
      for (const over of [MIB, MIB * 2]) {
        const say = () => ctx.thought(letter.repeat(Math.ceil(over / bytes)));
        expect(say).toThrow(expect.objectContaining({ code: "INVALID_REQUEST" }));
      }
      // The limit is somewhere in between; the sniffer checks that no frame exceeds it.
      for (let size = fits; size * bytes < MIB; size += Math.ceil(200 / bytes)) {
        try {
          await ctx.thought(letter.repeat(size));
        } catch {
          break;
        }
      }
    }
    puppet.finish("still here");
    const all = await wire.until(isTerminal);
    expect(all.length).toBeGreaterThan(6);
    expect(all.at(-1)?.payload).toMatchObject({ result: "still here" });
  });

  test("R-4.1-7: a job whose result does not fit ends with the advice to stream it", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const results = ["x".repeat(2 * MIB), "€".repeat(MIB / 3), { deep: ["y".repeat(MIB)] }];
    for (const result of results) {
      const { puppet } = await stage.played(wire);
      puppet.finish(result);
      const end = (await wire.until(isTerminal)).at(-1);
      const message = expect.stringContaining("stream");
      expect(end?.payload).toMatchObject({
        final_status: "error",
        code: "INTERNAL_ERROR",
        message,
      });
    }
    const { puppet } = await stage.played(wire);
    puppet.finish("x".repeat(MIB - 2_000));
    expect((await wire.until(isTerminal)).at(-1)).toMatchObject({ type: "job.result" });
  });

  test("R-7.3-8: a result that is not JSON ends the job as a fault, and no other job is affected", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const circular: unknown[] = [];
    circular.push(circular);
    const { puppet: neighbour } = await stage.played(wire);
    for (const result of [
      1n,
      circular,
      {
        toJSON: () => {
          throw new Error("secret");
        },
      },
    ]) {
      const { id, puppet } = await stage.played(wire);
      puppet.finish(result);
      const end = (await wire.until((e) => isTerminal(e) && e.job_id === id)).at(-1);
      expect(end?.payload).toMatchObject({ final_status: "error", code: "INTERNAL_ERROR" });
      expect(JSON.stringify(end)).not.toContain("secret");
    }
    neighbour.finish("unharmed");
    expect((await wire.until(isTerminal)).at(-1)?.payload).toMatchObject({ result: "unharmed" });
  });

  test("R-6.5-10 and section 8.3: jobs that flood one session are kept apart, each in order and complete", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const jobs = await Promise.all(Array.from({ length: 8 }, () => stage.played(wire)));
    const floods = jobs.map(async ({ puppet }, job) => {
      for (let i = 0; i < 400; i++) await puppet.ctx.thought(`${job}.${i}`);
      puppet.finish();
    });
    const seen = new Map<unknown, unknown[]>();
    for (let ended = 0; ended < jobs.length; ) {
      const e = await wire.next();
      if (isTerminal(e)) ended += 1;
      else seen.set(e.job_id, [...(seen.get(e.job_id) ?? []), ...bodies([e])]);
    }
    await Promise.all(floods);
    for (const [job, { puppet }] of jobs.entries()) {
      const thoughts = (seen.get(puppet.ctx.job.id) ?? []).slice(1) as [string, object][];
      expect(thoughts).toHaveLength(400);
      expect(thoughts.map(([, body]) => (body as { text: string }).text)).toEqual(
        Array.from({ length: 400 }, (_, i) => `${job}.${i}`),
      );
    }
    // The sniffer checks that the session's numbers are dense over all of them.
    expect(wire.lastEventSeq).toBe(8 * 402);
  });
});
