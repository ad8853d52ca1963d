import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const code = (code: string) => expect.objectContaining({ code });
const events = (envelopes: readonly StreamEnvelope[], ...kinds: string[]) =>
  envelopes.flatMap((e) =>
    e.type === "job.event" && kinds.includes(e.payload.kind)
      ? [
          { kind: e.payload.kind, ...(e.payload.body as Record<string, any>) } as Record<
            string,
            any
          >,
        ]
      : [],
  );

describe.each(ways)("over %s", (way) => {
  test("R-9.3-2, R-9.3-3 and R-9.3-4: a tool call appears as a pair, refused or not, and a refusal ends nothing", async () => {
    const called: unknown[] = [];
    const tools = {
      "ocr.page": (args: unknown) => ({ words: called.push(args) }),
      "ocr.void": () => undefined,
      "ocr.fails": () => {
        throw new Error("secret");
      },
      "shell.run": () => called.push("shell"),
    };
    await using stage = await Stage.open(way, { tools });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, { lease_request: { "tool.call": ["ocr.*"] } });
    const { call } = puppet.ctx.tools;
    expect(await call("ocr.page", { page: 78 })).toEqual({ words: 1 });
    expect(await call("ocr.void")).toBeUndefined();
    await expect(call("ocr.fails")).rejects.toEqual(code("INTERNAL_ERROR"));
    await expect(call("ocr.none")).rejects.toEqual(code("INVALID_REQUEST"));
    await expect(call("shell.run", "rm -rf /")).rejects.toEqual(code("PERMISSION_DENIED"));
    await expect(call("OCR.page")).rejects.toEqual(code("PERMISSION_DENIED"));
    // Even if nobody looks at it (R-9.3-5).
    void call("shell.run");
    puppet.finish("still running");
    const all = await wire.until(isTerminal);
    expect(all.at(-1)?.payload).toMatchObject({ result: "still running" });
    const pairs = events(all, "tool_call", "tool_result");
    const shown = pairs.map(({ kind, tool, result, error }) => [
      kind,
      tool ?? error?.code ?? result,
    ]);
    expect(shown).toEqual([
      ["tool_call", "ocr.page"],
      ["tool_result", { words: 1 }],
      ["tool_call", "ocr.void"],
      ["tool_result", null],
      ["tool_call", "ocr.fails"],
      ["tool_result", "INTERNAL_ERROR"],
      ["tool_call", "ocr.none"],
      ["tool_result", "INVALID_REQUEST"],
      ["tool_call", "shell.run"],
      ["tool_result", "PERMISSION_DENIED"],
      ["tool_call", "OCR.page"],
      ["tool_result", "PERMISSION_DENIED"],
      ["tool_call", "shell.run"],
      ["tool_result", "PERMISSION_DENIED"],
    ]);
    for (let i = 0; i < pairs.length; i += 2) {
      expect(pairs[i]?.["call_id"]).toBe(pairs[i + 1]?.["call_id"]);
    }
    expect(new Set(pairs.map(({ call_id }) => call_id)).size).toBe(7);
    expect(called).toEqual([{ page: 78 }]);
    expect(JSON.stringify(all)).not.toContain("secret");
  });

  test("R-8.2-1: long arguments and results are cut in the stream, and whole for agent and tool", async () => {
    const tools = { echo: (args: unknown) => args };
    await using stage = await Stage.open(way, { tools });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, { lease_request: { "tool.call": ["echo"] } });
    const fits = "x".repeat(64 * 1024 - 2);
    const long = "ä".repeat(40_000);
    expect(await puppet.ctx.tools.call("echo", fits)).toBe(fits);
    expect(await puppet.ctx.tools.call("echo", long)).toBe(long);
    const huge = "y".repeat(3 * 1024 * 1024);
    expect(await puppet.ctx.tools.call("echo", huge)).toBe(huge);
    puppet.finish();
    const shown = events(await wire.until(isTerminal), "tool_call", "tool_result");
    const cut = (byte_size: number) => ({ truncated: true, byte_size });
    const expected = [
      fits,
      fits,
      cut(80_002),
      cut(80_002),
      cut(huge.length + 2),
      cut(huge.length + 2),
    ];
    expect(shown.map(({ args, result }) => args ?? result)).toEqual(expected);
  });

  test("R-9.3-3: a file that the lease does not cover is refused, which appears in the stream; a read file does not", async () => {
    const root = await mkdtemp(join(tmpdir(), "arcp-scenario-"));
    try {
      await writeFile(join(root, "open.txt"), "öffentlich");
      await writeFile(join(root, "secret.txt"), "geheim");
      await symlink(join(root, "secret.txt"), join(root, "open-link.txt"));
      await using stage = await Stage.open(way, { workspace: root });
      const wire = await stage.greeted();
      const lease_request = { "fs.read": ["open*.txt", "missing.txt"] };
      const { puppet } = await stage.played(wire, { lease_request });
      const { fs } = puppet.ctx;
      expect(await fs.readText("open.txt")).toBe("öffentlich");
      expect(Buffer.from(await fs.readFile(join(root, "./x/../open.txt")))).toHaveLength(11);
      for (const path of [
        "secret.txt",
        "../secret.txt",
        "/etc/passwd",
        "open-link.txt",
        "x\u0000",
      ]) {
        await expect(fs.readText(path), path).rejects.toEqual(code("PERMISSION_DENIED"));
      }
      await expect(fs.list(".")).rejects.toEqual(code("PERMISSION_DENIED"));
      await expect(fs.stat("secret.txt")).rejects.toEqual(code("PERMISSION_DENIED"));
      await expect(fs.readFile("missing.txt")).rejects.toMatchObject({ code: "ENOENT" });
      puppet.finish();
      const all = await wire.until(isTerminal);
      const shown = events(all, "tool_call", "tool_result");
      expect(shown.filter(({ kind }) => kind === "tool_call").map(({ tool }) => tool)).toEqual([
        ...Array.from({ length: 5 }, () => "fs.read"),
        "fs.list",
        "fs.stat",
      ]);
      const errors = shown
        .filter(({ kind }) => kind === "tool_result")
        .map(({ error }) => error.code);
      expect(new Set(errors)).toEqual(new Set(["PERMISSION_DENIED"]));
      expect(all.at(-1)).toMatchObject({ type: "job.result" });
      expect(JSON.stringify(all)).not.toContain("geheim");
    } finally {
      await rm(root, { recursive: true });
    }
  });

  test("R-13-5, R-9.6-5, R-9.6-6, R-9.6-9 and R-9.6-11: spending is counted exactly, even below zero, and then refused", async () => {
    let called = 0;
    await using stage = await Stage.open(way, { tools: { ocr: () => ++called } });
    const wire = await stage.greeted();
    const lease_request = { "cost.budget": ["EUR:2.00"], "tool.call": ["*"] };
    const { id, accepted, puppet } = await stage.played(wire, { lease_request });
    expect(accepted.payload.budget).toEqual({ EUR: 2 });
    const { ctx } = puppet;
    for (const value of [0.85, 1.3]) {
      await ctx.tools.call("ocr");
      await ctx.metric({ name: "cost.ocr", value, unit: "EUR" });
      expect(ctx.budget.remaining()).toEqual({ EUR: value === 0.85 ? "1.15" : "-0.15" });
    }
    await expect(ctx.tools.call("ocr")).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    expect(() => ctx.authorize("tool.call", "ocr")).toThrow(code("BUDGET_EXHAUSTED"));
    // Nobody learns of what is not durable.
    await ctx.flush();
    const watcher = await stage.greeted({ token: tokens.alice2 });
    const told = await watcher.request("job.subscribe", { job_id: id });
    expect(told.payload.budget).toEqual({ EUR: -0.15 });
    await ctx.thought("words are free");
    puppet.finish("done all the same");
    const all = await wire.until(isTerminal);
    expect(events(all, "metric").map(({ name, value, unit }) => [name, value, unit])).toEqual([
      ["cost.ocr", 0.85, "EUR"],
      ["cost.budget.remaining", 1.15, "EUR"],
      ["cost.ocr", 1.3, "EUR"],
      ["cost.budget.remaining", -0.15, "EUR"],
    ]);
    expect(events(all, "tool_result").map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      "BUDGET_EXHAUSTED",
    ]);
    expect(called).toBe(2);
    expect(all.at(-1)?.payload).toMatchObject({ result: "done all the same" });
  });

  test("R-5.2-4, R-9.6-2, R-9.6-3 and R-9.6-6: counters are exact and separate, and an empty one stops everything", async () => {
    await using stage = await Stage.open(way, { tools: { t: () => 1 } });
    const wire = await stage.greeted();
    const budget = ["USD:0.4", "EUR:5", "USD:0.60", "eur:1"];
    const lease_request = { "cost.budget": budget, "tool.call": ["t"] };
    const { accepted, puppet } = await stage.played(wire, { lease_request });
    expect(accepted.payload.budget).toEqual({ USD: 1, EUR: 5, eur: 1 });
    const { ctx } = puppet;
    const uncounted = [
      { name: "cost.x", value: 1 },
      { name: "cost.x", value: 1, unit: "GBP" },
      { name: "costs.x", value: 1, unit: "USD" },
      { name: "cost", value: 1, unit: "USD" },
      { name: "cost.x", value: 0, unit: "USD" },
    ];
    for (const metric of uncounted) await ctx.metric(metric);
    expect(ctx.budget.remaining()).toEqual({ USD: "1", EUR: "5", eur: "1" });
    for (let i = 0; i < 10; i++) {
      expect(await ctx.tools.call("t")).toBe(1);
      await ctx.metric({ name: "cost.x", value: 0.1, unit: "USD" });
    }
    expect(ctx.budget.remaining()).toEqual({ USD: "0", EUR: "5", eur: "1" });
    await expect(ctx.tools.call("t")).rejects.toEqual(code("BUDGET_EXHAUSTED"));
    puppet.finish();
    await wire.until(isTerminal);
  });

  test("R-9.6-10 and R-9.6-11: the remainder is reported first, then in steps of five per cent, and before the end", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, { lease_request: { "cost.budget": ["EUR:100"] } });
    for (let i = 0; i < 12; i++) {
      await puppet.ctx.metric({ name: "cost.x", value: 1, unit: "EUR" });
    }
    puppet.finish();
    const all = await wire.until(isTerminal);
    const told = events(all, "metric").filter(({ name }) => name === "cost.budget.remaining");
    expect(told.map(({ value }) => value)).toEqual([99, 94, 89, 88]);
    expect(events(all.slice(-2), "metric")).toHaveLength(1);
  });
});
