import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, type JobEvent } from "@arcp/client";
import { type Lease, linkedPair } from "@arcp/core";
import { allowAnonymous, createRuntime, type Runtime } from "@arcp/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { linesOf, parseReport } from "./audit-report.ts";
import { classifier } from "./classify.ts";
import { codeAudit } from "./code-audit.ts";

let base: string;
let root: string;
let runtime: Runtime;
let client: Client;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "arcp-audit-"));
  root = join(base, "tree");
  writeTree();
  runtime = createRuntime({
    agents: [codeAudit],
    tools: { classify: classifier({ latency: 0 }) },
    auth: allowAnonymous(),
  });
  client = await connect(
    async () => {
      const pair = linkedPair();
      runtime.serve(pair.runtime);
      return pair.client;
    },
    { token: "any" },
  );
});
afterEach(async () => {
  await client.close();
  await runtime.close();
  rmSync(base, { recursive: true, force: true });
});

/** Six files, one of them skipped with its directory, one a link, one behind a linked directory. */
function writeTree(): void {
  mkdirSync(join(root, "deep/er"), { recursive: true });
  mkdirSync(join(root, "node_modules"));
  mkdirSync(join(base, "elsewhere"));
  writeFileSync(join(base, "secret.ts"), "// TODO: outside\n");
  writeFileSync(join(base, "elsewhere/other.ts"), "// TODO: outside\n");
  writeFileSync(join(root, "a.ts"), "one\n// TODO: first\nthree");
  writeFileSync(join(root, "b.py"), "# FIXME second\n\n");
  writeFileSync(join(root, "deep/c.ts"), "x\n".repeat(500));
  writeFileSync(join(root, "deep/er/empty.md"), "");
  writeFileSync(join(root, "deep/picture.bin"), "TODO\0TODO\n");
  writeFileSync(join(root, "node_modules/skipped.ts"), "// TODO: no\n");
  symlinkSync(join(base, "secret.ts"), join(root, "link.ts"));
  symlinkSync(join(base, "elsewhere"), join(root, "linked"));
}

async function audit(credits: string, input: object = {}, lease: Lease = {}) {
  const job = await client.submit(
    "code-audit",
    { root, skip: ["node_modules"], ...input },
    {
      lease: {
        "fs.read": [`${root}/**`],
        "tool.call": ["classify"],
        "cost.budget": [`credits:${credits}`],
        ...lease,
      },
    },
  );
  const events: JobEvent[] = [];
  for await (const event of job.events) events.push(event);
  return { job, events };
}

const remaining = (events: readonly JobEvent[]) =>
  events.flatMap((event) =>
    event.kind === "metric" && event.body.name === "cost.budget.remaining"
      ? [event.body.value]
      : [],
  );

test("counts lines by language, finds open tasks, and follows no links", async () => {
  const { job } = await audit("1");
  const report = parseReport(await job.text());
  expect(linesOf(report, "summary")).toEqual([
    {
      line: "summary",
      root,
      files: 5,
      lines: 505,
      bytes: 24 + 16 + 1000 + 0 + 10,
      links: 2,
      unreadable: 0,
      todos: 2,
      complete: true,
    },
  ]);
  expect(
    linesOf(report, "language").map(({ language, files, lines }) => [language, files, lines]),
  ).toEqual([
    ["TypeScript", 2, 503],
    ["Python", 1, 2],
    ["other", 1, 0],
    ["Markdown", 1, 0],
  ]);
  expect(linesOf(report, "todo").map(({ path, at, text }) => [path, at, text])).toEqual([
    ["a.ts", 2, "// TODO: first"],
    ["b.py", 1, "# FIXME second"],
  ]);
  expect(linesOf(report, "largest").map(({ path }) => path)).toEqual([
    "deep/c.ts",
    "a.ts",
    "b.py",
    "deep/picture.bin",
    "deep/er/empty.md",
  ]);
});

test("R-9.6-11: the remaining budget is exact", async () => {
  const { events } = await audit("0.3");
  // In binary, 0.3 - 5 x 0.01 is not 0.25.
  expect(remaining(events).at(-1)).toBe(0.25);
});

test("reports progress up to the last file and calls its tool", async () => {
  const { events } = await audit("1");
  const progress = events.flatMap((event) => (event.kind === "progress" ? [event.body] : []));
  expect(progress.map(({ current }) => current)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(progress.every(({ total }) => total === 5)).toBe(true);
  const calls = events.flatMap((event) => (event.kind === "tool_call" ? [event.body] : []));
  expect(calls).toMatchObject([
    { tool: "classify", args: { names: ["a.ts", "b.py", "c.ts", "picture.bin", "empty.md"] } },
  ]);
});

test("R-8.4-1: streams its report as chunks, a long one in more than two", async () => {
  writeFileSync(join(root, "many.ts"), "// TODO\n".repeat(120));
  const { job, events } = await audit("1");
  const chunks = events.flatMap((event) => (event.kind === "result_chunk" ? [event.body] : []));
  // 133 lines in pieces of 50, and the last, empty chunk.
  expect(chunks.map(({ more }) => more)).toEqual([true, true, true, false]);
  expect(linesOf(parseReport(await job.text()), "todo")).toHaveLength(122);
});

test("R-9.3-3: a probe outside the lease is refused in the stream and in the report", async () => {
  const probe = join(base, "secret.ts");
  const { job, events } = await audit("1", { probe });
  expect(linesOf(parseReport(await job.text()), "probe")).toEqual([
    { line: "probe", path: probe, refused: "PERMISSION_DENIED" },
  ]);
  const call = events.find((event) => event.kind === "tool_call" && event.body.tool === "fs.read");
  const id = call?.kind === "tool_call" ? call.body.call_id : "";
  const answer = events.find((event) => event.kind === "tool_result" && event.body.call_id === id);
  expect(answer?.body).toMatchObject({ error: { code: "PERMISSION_DENIED" } });
});

test("a probe that succeeds is reported as such", async () => {
  const probe = join(root, "a.ts");
  const { job } = await audit("1", { probe });
  expect(linesOf(parseReport(await job.text()), "probe")).toEqual([{ line: "probe", path: probe }]);
});

test("R-9.6-6: an exhausted budget ends the reading, and what was read is reported", async () => {
  const { job, events } = await audit("0.03");
  expect(linesOf(parseReport(await job.text()), "summary")).toMatchObject([
    { files: 3, unreadable: 0, complete: false },
  ]);
  expect(remaining(events).at(-1)).toBe(0);
});

test("a job without the tool fails with the refusal", async () => {
  const { job } = await audit("1", {}, { "tool.call": [] });
  await expect(job.text()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
});

test("an invalid input is refused", async () => {
  await expect(client.submit("code-audit", { root: "relative" })).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
});
