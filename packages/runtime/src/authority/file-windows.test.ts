import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import type * as Paths from "node:path";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { Budget } from "./budget.ts";
import type { FileAccess } from "./covered-path.ts";
import { resolvePatternPrefixes } from "./file-reach.ts";
import { openForReading, statFile } from "./file-reading.ts";
import { openForWriting } from "./file-writing.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";

// On a system with another separator, where these names would not be file names.

const system = vi.hoisted(() => ({ sep: "/" }));

vi.mock("node:path", async (original) => ({
  ...(await original<typeof Paths>()),
  get sep() {
    return system.sep;
  },
}));

test.each([
  "..\\..\\secret",
  "a\\..\\..\\secret",
  "\\secret",
  "C:",
  "a.txt:stream",
  "a.txt::$DATA",
  "a.txt.",
  "a.txt ",
  "sub./a.txt",
  "...",
  "NUL",
  "con.txt",
  "aux .txt",
  "lpt1.tar.gz",
  "COM\u00b9",
  "CONIN$",
])(
  "R-9.2-7: %j is reachable on POSIX, but not where Windows reads it as something else",
  async (name) => {
    const base = await realpath(await mkdtemp(join(tmpdir(), "arcp-")));
    const path = `${base}/${name}`;
    await mkdir(`${base}/sub.`);
    await writeFile(path, "inside");
    const outcome = compileLease({ "fs.read": [`${base}/**`], "fs.write": [`${base}/**`] });
    if (!outcome.ok) throw new Error(outcome.problem);
    const { lease } = outcome;
    const guard = new Guard({ lease, budget: new Budget(lease.budget), isActive: () => true });
    const realPatterns = await resolvePatternPrefixes(lease.patterns("fs.read"));
    const access = (capability: FileAccess["capability"]): FileAccess => ({
      capability,
      guard,
      lease,
      realPatterns,
    });
    try {
      expect(await statFile(access("fs.read"), path)).toMatchObject({ kind: "file" });
      system.sep = "\\";
      const denied = expect.objectContaining({ code: "PERMISSION_DENIED" });
      await expect(openForReading(access("fs.read"), path)).rejects.toEqual(denied);
      await expect(openForWriting(access("fs.write"), path, "w")).rejects.toEqual(denied);
      for (const ordinary of ["a.txt", "console", "null.txt", "com10", "my-con"]) {
        const there = `${base}/${ordinary}`;
        await writeFile(there, "inside");
        expect(await statFile(access("fs.read"), there)).toMatchObject({ kind: "file" });
      }
    } finally {
      system.sep = "/";
      await rm(base, { recursive: true });
    }
  },
);
