import { execFile } from "node:child_process";
import type * as Files from "node:fs/promises";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Budget } from "./budget.ts";
import type { FileAccess } from "./covered-path.ts";
import { resolvePatternPrefixes } from "./file-reach.ts";
import { openForWriting, type WriteFlag } from "./file-writing.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";
import { workspacePath } from "./workspace.ts";

// An attacker moves links and files at exactly the moment between a passed check and the opening.

const between = vi.hoisted(() => ({
  /** Runs before each opening, with the path to be opened, and after it. */
  opening: async (_path: string): Promise<void> => {},
  opened: async (_path: string): Promise<void> => {},
  /** Whether the kernel shows what a descriptor refers to, as Linux does. */
  proc: true,
  open: 0,
}));

vi.mock("node:fs/promises", async (original) => {
  const files = await original<typeof Files>();
  const missing = (): Promise<never> =>
    Promise.reject(Object.assign(new Error("ENOENT"), { code: "ENOENT" }));
  return {
    ...files,
    readlink: (path: string) =>
      !between.proc && path.startsWith("/proc/") ? missing() : files.readlink(path),
    open: async (path: string, flags: number) => {
      await between.opening(path);
      const handle = await files.open(path, flags);
      between.open += 1;
      const close = handle.close.bind(handle);
      handle.close = () => {
        between.open -= 1;
        return close();
      };
      handle[Symbol.asyncDispose] = () => handle.close();
      await between.opened(path);
      return handle;
    },
  };
});

let base: string;
let job: { active: boolean };

beforeEach(async () => {
  base = workspacePath(await realpath(await mkdtemp(join(tmpdir(), "arcp-"))));
  await mkdir(`${base}/work/sub`, { recursive: true });
  await mkdir(`${base}/evil`);
  await writeFile(`${base}/work/sub/a`, "inside");
  await writeFile(`${base}/evil/a`, "precious");
  job = { active: true };
});

afterEach(async () => {
  const nothing = async (): Promise<void> => {};
  Object.assign(between, { opening: nothing, opened: nothing, proc: true });
  expect(between.open).toBe(0);
  await rm(base, { recursive: true });
});

async function accessTo(...patterns: string[]): Promise<FileAccess> {
  const outcome = compileLease({ "fs.write": patterns }, { workspace: `${base}/work` });
  if (!outcome.ok) throw new Error(outcome.problem);
  const { lease } = outcome;
  const guard = new Guard({ lease, budget: new Budget(lease.budget), isActive: () => job.active });
  const realPatterns = await resolvePatternPrefixes(lease.patterns("fs.write"));
  return { capability: "fs.write", guard, lease, realPatterns };
}

async function write(path: string, flag: WriteFlag = "w", access?: FileAccess): Promise<void> {
  await using handle = await openForWriting(
    access ?? (await accessTo("**/*.txt", "sub/**")),
    path,
    flag,
  );
  await handle.writeFile("new");
}

const work = async (): Promise<FileAccess> => await accessTo(`${base}/work/**`);
const denied = expect.objectContaining({ code: "PERMISSION_DENIED" });

/** The outside, which must never change. */
async function outside(): Promise<Record<string, string>> {
  const names = await readdir(`${base}/evil`);
  const contents = names.map(async (name) => [
    name,
    await readFile(`${base}/evil/${name}`, "utf8"),
  ]);
  return Object.fromEntries(await Promise.all(contents));
}

describe.each([true, false])("with /proc: %s", (proc) => {
  beforeEach(() => {
    between.proc = proc;
  });

  test("R-9.3-2: a file is created, replaced, appended to, or left alone", async () => {
    const path = `${base}/work/new.txt`;
    const access = await work();
    await write(path, "w", access);
    expect(await readFile(path, "utf8")).toBe("new");
    await writeFile(path, "something longer");
    await write("new.txt", "w", access);
    expect(await readFile(path, "utf8")).toBe("new");
    await write("sub/../new.txt", "a", access);
    expect(await readFile(path, "utf8")).toBe("newnew");
    await expect(write("new.txt", "wx", access)).rejects.toMatchObject({
      code: "EEXIST",
      path,
      message: expect.stringContaining(`'${path}'`),
    });
    expect(await readFile(path, "utf8")).toBe("newnew");
    await write(`${base}/work/first.txt`, "wx", access);
    await write(`${base}/work/second.txt`, "a", access);
    expect(await readdir(`${base}/work`)).toEqual(["first.txt", "new.txt", "second.txt", "sub"]);
    expect((await lstat(path)).mode & 0o111).toBe(0);
  });

  test("what is covered fails with the system's error", async () => {
    await expect(write("none/x", "w", await work())).rejects.toMatchObject({ code: "ENOENT" });
    await expect(write("sub/a/x", "w", await work())).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(write("sub", "w", await work())).rejects.toMatchObject({ code: "EISDIR" });
    await expect(write("/", "w", await accessTo("/", "**"))).rejects.toMatchObject({
      code: "EISDIR",
    });
  });

  test("R-9.2-5, R-9.2-7: what is not covered is denied, and nothing is created", async () => {
    await symlink(`${base}/evil`, `${base}/work/out`);
    await symlink(`${base}/evil/a`, `${base}/work/link`);
    await symlink(`${base}/evil/new`, `${base}/work/dangling`);
    await symlink("../../evil/new", `${base}/work/sub/relative`);
    await symlink(`${base}/work/circle`, `${base}/work/circle`);
    const before = await readdir(`${base}/work`);
    for (const path of [
      `${base}/evil/a`,
      "../evil/a",
      "../evil/new",
      "out/a",
      "out/new",
      "link",
      "dangling",
      "sub/relative",
      "circle",
      "sub/../../evil/new",
      `${base}/work-evil`,
      "a\0",
      "",
    ]) {
      for (const flag of ["w", "a", "wx"] as const) {
        await expect(write(path, flag, await work()), `${flag} ${path}`).rejects.toEqual(denied);
      }
    }
    expect(await outside()).toEqual({ a: "precious" });
    expect(await readdir(`${base}/work`)).toEqual(before);
  });

  test("R-9.2-7: a link that stays inside is followed, as by the system", async () => {
    await symlink(`${base}/work/sub`, `${base}/work/inner`);
    await symlink("sub/made", `${base}/work/dangling`);
    await write("inner/b", "w", await work());
    await write("dangling", "w", await work());
    expect(await readdir(`${base}/work/sub`)).toEqual(["a", "b", "made"]);
  });

  test("R-9.3-1: a file is emptied only if the job may still act at that moment", async () => {
    between.opened = async (path) => {
      if (path.endsWith("a")) job.active = false;
    };
    const cancelled = expect.objectContaining({ code: "CANCELLED" });
    await expect(write("sub/a", "w", await work())).rejects.toEqual(cancelled);
    expect(await readFile(`${base}/work/sub/a`, "utf8")).toBe("inside");
  });

  test("anything but a regular file is left alone, and does not block", async () => {
    await promisify(execFile)("mkfifo", [`${base}/work/pipe`]);
    await expect(write("pipe", "w", await work())).rejects.toMatchObject({ code: "ENXIO" });
    const everything = await accessTo("**");
    const refusal = expect.objectContaining({ code: "INVALID_REQUEST" });
    await expect(write("/dev/null", "w", everything)).rejects.toEqual(refusal);
  });

  const swapDirectory = async (): Promise<void> => {
    await rename(`${base}/work/sub`, `${base}/work/away`);
    await symlink(`${base}/evil`, `${base}/work/sub`);
  };
  const swapBack = async (): Promise<void> => {
    await rm(`${base}/work/sub`);
    await rename(`${base}/work/away`, `${base}/work/sub`);
  };
  const swapFile = async (): Promise<void> => {
    await rm(`${base}/work/sub/a`, { force: true });
    await symlink(`${base}/evil/a`, `${base}/work/sub/a`);
  };
  const once = (step: () => Promise<void>) => {
    let left = 1;
    return async (): Promise<void> => {
      left -= 1;
      if (left === 0) await step();
    };
  };
  /** At the nth opening: of the directory first, then of the file. */
  const at = (nth: number, step: () => Promise<void>) => {
    let count = 0;
    return async (): Promise<void> => {
      count += 1;
      if (count === nth) await step();
    };
  };

  describe("R-9.2-7: a swap between check and opening (F2, W1, W2)", () => {
    test.each([1, 2])("the directory becomes a link to the outside, at opening %i", async (nth) => {
      for (const name of ["a", "b"]) {
        between.opening = at(nth, swapDirectory);
        const written = write(`sub/${name}`, "w", await work());
        const error = await written.then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        // On Linux the second opening goes through the checked directory, wherever its name leads by now; the opened file is then
        // no longer where it should be.
        expect(error).toEqual(denied);
        between.opening = async () => {};
        const { a, b } = await outside();
        expect(a).toBe("precious");
        expect(b ?? "").toBe("");
        // W2: without help from the kernel an empty file can result, and only there.
        if (proc) expect(b).toBeUndefined();
        await rm(`${base}/evil/b`, { force: true });
        await swapBack();
      }
    });

    test("the directory becomes a link and a directory again around every opening", async () => {
      between.opening = swapDirectory;
      between.opened = swapBack;
      for (const name of ["a", "b"]) {
        for (const flag of ["w", "a", "wx"] as const) {
          await write(`sub/${name}`, flag, await work()).catch(() => swapBack().catch(() => {}));
          expect((await outside())["a"]).toBe("precious");
          expect((await outside())["b"] ?? "").toBe("");
          if (proc) expect(await readdir(`${base}/evil`)).toEqual(["a"]);
        }
      }
    });

    test.each([1, 2])("the file becomes a link to the outside, at opening %i", async (nth) => {
      between.opening = at(nth, swapFile);
      await expect(write("sub/a", "w", await work())).rejects.toEqual(denied);
      expect(await outside()).toEqual({ a: "precious" });
    });

    test.each(["w", "a", "wx"] as const)(
      "a file that does not exist yet becomes a link to the outside (%s)",
      async (flag) => {
        between.opening = at(2, () => symlink(`${base}/evil/new`, `${base}/work/sub/b`));
        await expect(write("sub/b", flag, await work())).rejects.toEqual(denied);
        expect(await outside()).toEqual({ a: "precious" });
      },
    );

    test.each([1, 2])("an ancestor directory becomes a link, at opening %i", async (nth) => {
      await mkdir(`${base}/work/sub/deep`);
      await mkdir(`${base}/evil/deep`);
      between.opening = at(nth, swapDirectory);
      await expect(write("sub/deep/b", "w", await work())).rejects.toEqual(denied);
      if (proc) expect(await readdir(`${base}/evil/deep`)).toEqual([]);
    });

    test("the directory is moved away after the opening", async () => {
      between.opened = once(async () => {
        await rename(`${base}/work/sub`, `${base}/gone`);
      });
      await expect(write("sub/a", "w", await work())).rejects.toBeDefined();
      expect(await readFile(`${base}/gone/a`, "utf8")).toBe("inside");
    });

    test("a file replaced by a new version, as editors do, is written to in the new version", async () => {
      await writeFile(`${base}/work/next`, "newer");
      between.opened = at(2, () => rename(`${base}/work/next`, `${base}/work/sub/a`));
      await write("sub/a", "a", await work());
      expect(await readFile(`${base}/work/sub/a`, "utf8")).toBe("newernew");
    });
  });
});

test("R-9.2-7: a workspace that is a link is resolved when the job is accepted, and never again", async () => {
  await symlink(`${base}/work`, `${base}/alias`);
  const access = await accessTo(`${base}/alias/**`);
  await write(`${base}/alias/x`, "w", access);
  expect(await readdir(`${base}/work`)).toEqual(["sub", "x"]);
  await rm(`${base}/alias`);
  await symlink(`${base}/evil`, `${base}/alias`);
  await expect(write(`${base}/alias/x`, "w", access)).rejects.toEqual(denied);
  expect(await outside()).toEqual({ a: "precious" });
});
