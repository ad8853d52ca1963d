import type * as Files from "node:fs/promises";
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Budget } from "./budget.ts";
import type { FileAccess } from "./covered-path.ts";
import { resolvePatternPrefixes } from "./file-reach.ts";
import { listDirectory, openForReading, statFile } from "./file-reading.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";
import { workspacePath } from "./workspace.ts";

// An attacker moves links and files at exactly the moment between a passed check and the opening.

const between = vi.hoisted(() => ({
  /** Runs before each opening, after all checks. */
  opening: async (): Promise<void> => {},
  /** Runs after each opening, before what was opened is looked at. */
  opened: async (): Promise<void> => {},
  /** Whether the kernel shows what a descriptor refers to, as Linux does. */
  proc: true,
  /** Why it shows nothing. */
  reason: "ENOENT",
  /** Added to the number of the device of whatever is looked at by its path. */
  device: 0n,
  /** Runs before each listing. */
  listing: async (): Promise<void> => {},
  /** Open handles, links that were looked up, files that were opened. */
  open: 0,
  lookups: 0,
  openings: 0,
}));

vi.mock("node:fs/promises", async (original) => {
  const files = await original<typeof Files>();
  const hidden = (path: unknown): boolean => !between.proc && String(path).startsWith("/proc/");
  const missing = (): Promise<never> =>
    Promise.reject(Object.assign(new Error(between.reason), { code: between.reason }));
  return {
    ...files,
    lstat: async (path: string, options: { bigint: true }) => {
      const status = await files.lstat(path, options);
      return Object.assign(status, { dev: status.dev + between.device });
    },
    readlink: (path: string) => {
      between.lookups += 1;
      return hidden(path) ? missing() : files.readlink(path);
    },
    readdir: async (path: string, options: { withFileTypes: true }) => {
      await between.listing();
      return hidden(path) ? missing() : files.readdir(path, options);
    },
    open: async (path: string, flags: number) => {
      await between.opening();
      const handle = await files.open(path, flags);
      await between.opened();
      between.open += 1;
      between.openings += 1;
      const close = handle.close.bind(handle);
      handle.close = () => {
        between.open -= 1;
        return close();
      };
      return handle;
    },
  };
});

let base: string;
let access: FileAccess;

beforeEach(async () => {
  base = workspacePath(await realpath(await mkdtemp(join(tmpdir(), "arcp-"))));
  await mkdir(`${base}/work/sub`, { recursive: true });
  await mkdir(`${base}/evil`);
  await writeFile(`${base}/work/sub/a`, "inside");
  await writeFile(`${base}/evil/a`, "secret");
  const outcome = compileLease({ "fs.read": [`${base}/work/**`] });
  if (!outcome.ok) throw new Error(outcome.problem);
  const { lease } = outcome;
  const budget = new Budget(lease.budget);
  const guard = new Guard({ lease, budget, isActive: () => true });
  access = {
    capability: "fs.read",
    guard,
    lease,
    realPatterns: await resolvePatternPrefixes(lease.patterns("fs.read")),
  };
});

afterEach(async () => {
  const nothing = async (): Promise<void> => {};
  Object.assign(between, { opening: nothing, opened: nothing, listing: nothing });
  Object.assign(between, { proc: true, reason: "ENOENT", device: 0n });
  expect(between.open).toBe(0);
  await rm(base, { recursive: true });
});

async function read(path: string): Promise<string> {
  const handle = await openForReading(access, path);
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

const swapDirectory = async (): Promise<void> => {
  await rename(`${base}/work/sub`, `${base}/work/away`);
  await symlink(`${base}/evil`, `${base}/work/sub`);
};

const swapBack = async (): Promise<void> => {
  await rm(`${base}/work/sub`);
  await rename(`${base}/work/away`, `${base}/work/sub`);
};

const swapFile = async (): Promise<void> => {
  await rm(`${base}/work/sub/a`);
  await symlink(`${base}/evil/a`, `${base}/work/sub/a`);
};

function once(step: () => Promise<void>): () => Promise<void> {
  let done = false;
  return async () => {
    if (!done) {
      done = true;
      await step();
    }
  };
}

describe.each([true, false])(
  "R-9.2-7: a swap between check and opening (F2), /proc: %s",
  (proc) => {
    beforeEach(() => {
      between.proc = proc;
    });

    test("nothing moves", async () => {
      expect(await read(`${base}/work/sub/a`)).toBe("inside");
      expect(await listDirectory(access, `${base}/work/sub`)).toEqual([
        { name: "a", kind: "file" },
      ]);
    });

    test("the directory becomes a link to the outside", async () => {
      between.opening = once(swapDirectory);
      await expect(read(`${base}/work/sub/a`)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    });

    test("the directory becomes a link to the outside and a directory again", async () => {
      between.opening = swapDirectory;
      between.opened = swapBack;
      await expect(read(`${base}/work/sub/a`)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      await expect(statFile(access, `${base}/work/sub/a`)).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
      });
    });

    test("the file becomes a link to the outside", async () => {
      between.opening = once(swapFile);
      between.openings = 0;
      await expect(read(`${base}/work/sub/a`)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      // Opening alone can have side effects, on a pipe or a device.
      expect(between.openings).toBe(0);
    });

    test("a directory becomes a link to the outside after it was opened", async () => {
      between.listing = once(async () => {
        await swapDirectory();
        await writeFile(`${base}/evil/b`, "");
      });
      const listed = await listDirectory(access, `${base}/work/sub`).catch(({ code }) => code);
      // Linux lists what was opened; elsewhere that is impossible, and the swap is noticed.
      expect(listed).toEqual(proc ? [{ name: "a", kind: "file" }] : "PERMISSION_DENIED");
    });

    test("a listed directory becomes a link to the outside", async () => {
      between.opening = once(swapDirectory);
      await expect(listDirectory(access, `${base}/work/sub`)).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
      });
    });

    test("a file missing outside gives the same error as one that exists", async () => {
      await rm(`${base}/evil/a`);
      between.opening = once(swapDirectory);
      await expect(read(`${base}/work/sub/a`)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    });

    test("a file replaced by a new version, as editors do, is read in the new version", async () => {
      await writeFile(`${base}/work/new`, "newer");
      between.opened = once(() => rename(`${base}/work/new`, `${base}/work/sub/a`));
      expect(await read(`${base}/work/sub/a`)).toBe("newer");
    });
  },
);

test.each([
  ["the kernel does not let it be looked at", { reason: "EACCES" }],
  ["what is at its location has its number on another device", { device: 1n }],
])("R-9.2-7, F2: an opened file is not read if %s", async (_, how) => {
  Object.assign(between, how, { proc: false });
  await expect(read(`${base}/work/sub/a`)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
});

test("R-9.3-1: the disk is not accessed for a path that is not covered", async () => {
  between.lookups = 0;
  for (const path of [`${base}/evil/a`, `${base}/none`, `${base}/work/../evil/a`, "a", ""]) {
    await expect(read(path)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  }
  expect(between.lookups).toBe(0);
});
