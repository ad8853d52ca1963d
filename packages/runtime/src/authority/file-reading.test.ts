import { execFile } from "node:child_process";
import {
  type FileHandle,
  link,
  mkdir,
  mkdtemp,
  realpath,
  rm,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { promisify } from "node:util";
import { ArcpError, type Lease } from "@arcp/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Budget } from "./budget.ts";
import type { FileAccess } from "./covered-path.ts";
import { resolvePatternPrefixes } from "./file-reach.ts";
import { listDirectory, openForReading, statFile } from "./file-reading.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";
import { workspacePath } from "./workspace.ts";

let base: string;
let work: string;

beforeEach(async () => {
  base = workspacePath(await realpath(await mkdtemp(join(tmpdir(), "arcp-"))));
  work = `${base}/work`;
  await mkdir(`${work}/sub`, { recursive: true });
  await mkdir(`${base}/work-evil`);
  await writeFile(`${work}/a.txt`, "inside");
  await writeFile(`${work}/sub/b.txt`, "deeper");
  await writeFile(`${base}/secret`, "secret");
  await writeFile(`${base}/work-evil/a.txt`, "secret");
});

afterEach(() => rm(base, { recursive: true }));

async function accessTo(...patterns: string[]): Promise<FileAccess & { job: { active: boolean } }> {
  const json: Lease = { "fs.read": patterns };
  const outcome = compileLease(json, { workspace: work });
  if (!outcome.ok) throw new Error(outcome.problem);
  const { lease } = outcome;
  const job = { active: true };
  const guard = new Guard({
    lease,
    budget: new Budget(lease.budget),
    isActive: () => job.active,
  });
  return {
    capability: "fs.read",
    guard,
    lease,
    realPatterns: await resolvePatternPrefixes(lease.patterns("fs.read")),
    job,
  };
}

async function read(access: FileAccess, path: string): Promise<string> {
  const handle: FileHandle = await openForReading(access, path);
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** Every operation, so that none is forgotten. */
const ways = {
  open: read,
  list: listDirectory,
  stat: statFile,
} as const;

async function codeOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

describe("what is covered", () => {
  test("can be read by an absolute or a relative path", async () => {
    const access = await accessTo("**/*");
    expect(await read(access, `${work}/a.txt`)).toBe("inside");
    expect(await read(access, "sub/../a.txt")).toBe("inside");
    expect(await read(access, "sub//b.txt")).toBe("deeper");
  });

  test("can be listed, with links named but not followed", async () => {
    await symlink(base, `${work}/link`);
    const entries = await listDirectory(await accessTo("**/*", work), ".");
    expect([...entries].sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "a.txt", kind: "file" },
      { name: "link", kind: "link" },
      { name: "sub", kind: "directory" },
    ]);
  });

  test("can be inspected", async () => {
    const access = await accessTo("**/*");
    const status = await statFile(access, "a.txt");
    expect(status).toMatchObject({ kind: "file", size: 6 });
    expect(Math.abs(Date.now() - status.modifiedAt)).toBeLessThan(60_000);
    expect((await statFile(access, "sub")).kind).toBe("directory");
  });

  test("fails with the system's error if it does not exist or is something else", async () => {
    const access = await accessTo("**/*");
    expect(await codeOf(read(access, "none"))).toBe("ENOENT");
    // Windows says of what is below a file that it is missing.
    expect(await codeOf(read(access, "a.txt/x"))).toBe(sep === "/" ? "ENOTDIR" : "ENOENT");
    expect(await codeOf(read(access, "sub"))).toBe("INVALID_REQUEST");
    expect(await codeOf(listDirectory(access, "a.txt"))).toBe("ENOTDIR");
    expect(await codeOf(statFile(access, "none"))).toBe("ENOENT");
  });

  test("does not block if it is a pipe without a writer", async () => {
    await promisify(execFile)("mkfifo", [`${work}/pipe`]);
    expect(await codeOf(read(await accessTo("**/*"), "pipe"))).toBe("INVALID_REQUEST");
  });

  test("R-9.2-7: can be behind a link that stays inside", async () => {
    await symlink("sub", `${work}/link`);
    await symlink("link/b.txt", `${work}/file-link`);
    const access = await accessTo("**/*");
    expect(await read(access, "link/b.txt")).toBe("deeper");
    expect(await read(access, "file-link")).toBe("deeper");
  });
});

describe("R-9.2-7: what is not covered is denied, whether it exists or not (F1)", () => {
  test.each(Object.entries(ways))("%s: outside, by name", async (_, way) => {
    const access = await accessTo("**/*");
    for (const path of [
      `${base}/secret`,
      `${base}/none`,
      `${base}/work-evil/a.txt`,
      `${base}/secret/x`,
      base,
      "../secret",
      "../work-evil",
      "sub/../../secret",
      "a.txt\0",
      "/../etc/passwd",
      "",
    ]) {
      expect(await codeOf(way(access, path)), path).toBe("PERMISSION_DENIED");
    }
  });

  test.each(Object.entries(ways))("%s: outside, by a link", async (_, way) => {
    await symlink(base, `${work}/up`);
    await symlink("../secret", `${work}/file`);
    await symlink("../none", `${work}/dangling`);
    await symlink(`${base}/secret/x`, `${work}/below-a-file`);
    await symlink("up", `${work}/sub/again`);
    await symlink("../up/secret", `${work}/sub/through`);
    await symlink("loop", `${work}/loop`);
    const access = await accessTo("**/*");
    for (const path of [
      "up",
      "up/secret",
      "up/none",
      "up/work-evil",
      "up/none/deeper",
      "file",
      "dangling",
      "below-a-file",
      "sub/through",
      "loop",
    ]) {
      expect(await codeOf(way(access, path)), path).toBe("PERMISSION_DENIED");
    }
    // In its own directory, the link of this name dangles.
    expect(await codeOf(way(access, "sub/again"))).toBe("ENOENT");
  });

  test("the refusal names what was asked for, and not where it leads", async () => {
    await symlink("../secret", `${work}/file`);
    const error = await read(await accessTo("**/*"), "file").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ArcpError);
    expect((error as ArcpError).message).toBe(
      `fs.read does not cover the real location of ${work}/file; the lease grants **/*`,
    );
  });

  test("a link may lead outside and back inside", async () => {
    await symlink(work, `${base}/back`);
    await symlink("../back/a.txt", `${work}/round`);
    expect(await read(await accessTo("**/*"), "round")).toBe("inside");
  });

  test("a link may lead from what one pattern covers to what another covers", async () => {
    await symlink("../secret", `${work}/file`);
    expect(await read(await accessTo("**/*", `${base}/secret`), "file")).toBe("secret");
  });

  test("a link from outside to a covered tree grants no access", async () => {
    await symlink(work, `${base}/alias`);
    expect(await codeOf(read(await accessTo("**/*"), `${base}/alias/a.txt`))).toBe(
      "PERMISSION_DENIED",
    );
  });

  test("a hard link is the file itself", async () => {
    await link(`${base}/secret`, `${work}/hard`);
    expect(await read(await accessTo("**/*"), "hard")).toBe("secret");
  });
});

describe("the literal prefix of a pattern is resolved once, at acceptance", () => {
  test("a lease on a path below a link works", async () => {
    await symlink(work, `${base}/alias`);
    const access = await accessTo(`${base}/alias/**`);
    expect(await read(access, `${base}/alias/a.txt`)).toBe("inside");
    expect(await codeOf(read(access, `${work}/a.txt`))).toBe("PERMISSION_DENIED");
  });

  test("a link that is changed afterwards grants no access", async () => {
    await symlink(work, `${base}/alias`);
    const access = await accessTo(`${base}/alias/**`);
    await unlink(`${base}/alias`);
    await symlink(`${base}/work-evil`, `${base}/alias`);
    expect(await codeOf(read(access, `${base}/alias/a.txt`))).toBe("PERMISSION_DENIED");
  });

  test("a prefix that does not exist yet is resolved to where it will be", async () => {
    await symlink(work, `${base}/alias`);
    const access = await accessTo(`${base}/alias/new/*`);
    await mkdir(`${work}/new`);
    await writeFile(`${work}/new/c`, "new");
    expect(await read(access, `${base}/alias/new/c`)).toBe("new");
  });

  test("a link behind the first wildcard does not belong to the prefix", async () => {
    await symlink(base, `${work}/up`);
    expect(await codeOf(read(await accessTo(`${work}/u*/secret`), "up/secret"))).toBe(
      "PERMISSION_DENIED",
    );
  });

  test("a wildcard in a real name is an ordinary character, and ** covers every place", async () => {
    await mkdir(`${base}/w*`);
    await writeFile(`${base}/w*/a.txt`, "starred");
    await symlink(`${base}/w*`, `${base}/alias`);
    await symlink(`${base}/work`, `${base}/w*/other`);
    const access = await accessTo(`${base}/alias/**`);
    expect(await read(access, `${base}/alias/a.txt`)).toBe("starred");
    expect(await codeOf(read(access, `${base}/alias/other/a.txt`))).toBe("PERMISSION_DENIED");
    expect(await read(await accessTo("**"), `${base}/alias/other/a.txt`)).toBe("inside");
  });

  test("a circular prefix covers nothing", async () => {
    await symlink("loop", `${base}/loop`);
    expect((await accessTo(`${base}/loop/**`)).realPatterns).toEqual([]);
  });
});

test("R-9.3-1: the guard is asked before the disk is accessed, whether the file exists or not", async () => {
  const access = await accessTo("**/*");
  access.job.active = false;
  for (const path of ["a.txt", "none", "../secret"]) {
    expect(await codeOf(read(access, path)), path).toBe("CANCELLED");
  }
});

test("R-9.3-1: the guard is asked again when the file is opened", async () => {
  const access = await accessTo("**/*");
  const reading = codeOf(read(access, "a.txt"));
  access.job.active = false;
  expect(await reading).toBe("CANCELLED");
});
