import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, realpath, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArcpError } from "@arcp/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";
import type { AgentContext } from "./context.ts";

const GIB = 1024 ** 3;
let workspace: string;

beforeAll(async () => {
  workspace = await realpath(await mkdtemp(join(tmpdir(), "arcp-")));
});
afterAll(() => rm(workspace, { recursive: true }));

/** What an agent that may read everything reads with, and how to cancel it. */
async function reading(fileBytes?: number) {
  const limits = fileBytes === undefined ? {} : { fileBytes };
  const { runtime, start } = hosting({ workspace, limits });
  const viewer = new Viewer(runtime);
  await viewer.hello(ALL_FEATURES);
  const job = await start(viewer, { lease_request: { "fs.read": ["**"] } });
  const cancel = () =>
    viewer.reply(viewer.send("job.cancel", { job_id: job.id }, { job_id: job.id }));
  return { fs: job.ctx.fs, cancel };
}

/** What both ways of reading a file are refused with. */
async function refused(fs: AgentContext["fs"], path: string): Promise<unknown> {
  const errors = await Promise.all(
    [fs.readFile(path), fs.readText(path)].map((read) => read.catch((error: unknown) => error)),
  );
  const [first, second] = errors;
  if (!(first instanceof ArcpError)) return first;
  expect(second).toEqual(first);
  return `${first.code}: ${first.message}`;
}

test("a file that is too large is refused unread, with the limit", async () => {
  const { fs } = await reading();
  await writeFile(`${workspace}/huge`, "");
  await truncate(`${workspace}/huge`, 3 * GIB);
  expect(await refused(fs, "huge")).toBe(
    "INVALID_REQUEST: huge is larger than 268435456 bytes (limits.fileBytes)",
  );
  expect(await fs.stat("huge")).toMatchObject({ size: 3 * GIB });
});

test("a file exactly at the limit is read, and one a byte larger is not", async () => {
  const { fs } = await reading(1_000_000);
  const whole = "é".repeat(500_000);
  await writeFile(`${workspace}/whole`, whole);
  expect(await fs.readText("whole")).toBe(whole);
  expect(Buffer.from(await fs.readFile("whole")).toString()).toBe(whole);
  await appendFile(`${workspace}/whole`, "x");
  expect(await refused(fs, "whole")).toMatch(/^INVALID_REQUEST: .*1000000 bytes/);
});

test("what is not a regular file is refused at once, since it has no end or no content", async () => {
  const { fs } = await reading();
  await mkdir(`${workspace}/folder`);
  execFileSync("mkfifo", [`${workspace}/pipe`]);
  for (const path of ["folder", "pipe", "/dev/zero"]) {
    expect(await refused(fs, path)).toBe(`INVALID_REQUEST: ${path} is not a regular file`);
  }
});

test.runIf(process.platform === "linux")(
  "a file without a size is read to its end, up to the limit",
  async () => {
    await writeFile(`${workspace}/empty`, "");
    expect(await (await reading()).fs.readText("empty")).toBe("");
    const path = "/proc/self/status";
    expect(await (await reading()).fs.stat(path)).toMatchObject({ kind: "file", size: 0 });
    expect(await (await reading()).fs.readText(path)).toMatch(/^Name:[\s\S]*\n$/);
    expect(await refused((await reading(100)).fs, path)).toMatch(/larger than 100 bytes/);
  },
);

const CIRCLE: { self?: object } = {};
CIRCLE.self = CIRCLE;

test("R-7.4-3: a cancel ends reading a large file", async () => {
  const { fs, cancel } = await reading();
  await writeFile(`${workspace}/large`, "");
  await truncate(`${workspace}/large`, 64 * 1024 * 1024);
  const reads = fs.readFile("large").catch((error: unknown) => error);
  await cancel();
  expect(await reads).toMatchObject({ code: "CANCELLED" });
});

test.each([5, null, undefined, ["/etc/passwd"], { path: "a" }, 5n, CIRCLE])(
  "R-9.3-2: what is not a path is refused like any other operation: %o",
  async (given) => {
    const { fs } = await reading();
    const path = given as unknown as string;
    const refusal = {
      code: "INVALID_REQUEST",
      message: "fs.read needs a string that names its target",
    };
    for (const act of [fs.readFile, fs.readText, fs.list, fs.stat]) {
      await expect(act(path)).rejects.toMatchObject(refusal);
    }
    await expect(fs.writeFile(path, "")).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  },
);
