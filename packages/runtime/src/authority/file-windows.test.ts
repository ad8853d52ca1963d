import type * as Files from "node:fs/promises";
import { link, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import type * as Paths from "node:path";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Budget } from "./budget.ts";
import type { FileAccess } from "./covered-path.ts";
import { resolvePatternPrefixes } from "./file-reach.ts";
import { listDirectory, openForReading, statFile } from "./file-reading.ts";
import { openForWriting } from "./file-writing.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";
import { workspacePath } from "./workspace.ts";

// Windows or macOS, or a system that says it was one: with another separator, and with names that stand for others.

const system = vi.hoisted(() => ({
  sep: "",
  /** What a name stands for; undefined if the system does not say. */
  names: new Map<string, string | undefined>(),
}));

vi.mock("node:path", async (original) => {
  const paths = await original<typeof Paths>();
  system.sep = paths.sep;
  return {
    ...paths,
    get sep() {
      return system.sep;
    },
  };
});

vi.mock("node:fs/promises", async (original) => {
  const files = await original<typeof Files>();
  return {
    ...files,
    realpath: async (path: string) => {
      const real = await files.realpath(path);
      if (!system.names.has(basename(real))) return real;
      const name = system.names.get(basename(real));
      if (name === undefined) throw Object.assign(new Error("EPERM"), { code: "EPERM" });
      return join(dirname(real), name);
    },
  };
});

const home = system.sep;
const { platform } = process;
const denied = expect.objectContaining({ code: "PERMISSION_DENIED" });
let base: string;

beforeEach(async () => {
  base = workspacePath(await realpath(await mkdtemp(join(tmpdir(), "arcp-"))));
});

afterEach(async () => {
  system.sep = home;
  Object.defineProperty(process, "platform", { value: platform });
  system.names.clear();
  await rm(base, { recursive: true });
});

/** The access that `capability` gives within these patterns. */
async function accessTo(
  capability: FileAccess["capability"],
  ...patterns: string[]
): Promise<FileAccess> {
  const outcome = compileLease({ [capability]: patterns });
  if (!outcome.ok) throw new Error(outcome.problem);
  const { lease } = outcome;
  const guard = new Guard({ lease, budget: new Budget(lease.budget), isActive: () => true });
  const realPatterns = await resolvePatternPrefixes(lease.patterns(capability));
  return { capability, guard, lease, realPatterns };
}

async function read(access: FileAccess, path: string): Promise<string> {
  await using handle = await openForReading(access, path);
  return await handle.readFile("utf8");
}

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
  "LPT0",
  "nul/a.txt",
  "COM\u00b9",
  "CONIN$",
])(
  "R-9.2-7: %j is reachable on POSIX, but not where Windows reads it as something else",
  async (name) => {
    const path = `${base}/${name}`;
    const reading = await accessTo("fs.read", `${base}/**`);
    if (home === "/") {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "inside");
      expect(await statFile(reading, path)).toMatchObject({ kind: "file" });
    }
    system.sep = "\\";
    await expect(openForReading(reading, path)).rejects.toEqual(denied);
    const writing = await accessTo("fs.write", `${base}/**`);
    await expect(openForWriting(writing, path, "w")).rejects.toEqual(denied);
    for (const ordinary of ["a.txt", "console", "null.txt", "com10", "my-con", "a~1"]) {
      const there = `${base}/${ordinary}`;
      await writeFile(there, "inside");
      expect(await statFile(reading, there)).toMatchObject({ kind: "file" });
    }
  },
);

/** Makes `name` stand for a file with another name, as Windows does by itself for another spelling. */
async function standIn(name: string, file: string): Promise<void> {
  if (home === "/") await link(`${base}/${file}`, `${base}/${name}`);
  system.names.set(name, file);
}

test("R-9.2-7: on Windows a pattern covers no file that is spelled differently", async () => {
  await writeFile(`${base}/Report.TXT`, "secret");
  await standIn("Report.txt", "Report.TXT");
  system.sep = "\\";
  const reading = await accessTo("fs.read", `${base}/*.txt`);
  await expect(openForReading(reading, `${base}/Report.txt`)).rejects.toEqual(denied);
  await expect(statFile(reading, `${base}/Report.txt`)).rejects.toEqual(denied);
  const both = await accessTo("fs.read", `${base}/*.txt`, `${base}/*.TXT`);
  expect(await read(both, `${base}/Report.txt`)).toBe("secret");
});

test.runIf(home === "/")(
  "R-9.2-7: on Windows a pattern covers no file by a short name",
  async () => {
    await writeFile(`${base}/report.textile`, "secret");
    await standIn("REPORT~1.TEX", "report.textile");
    system.sep = "\\";
    const reading = await accessTo("fs.read", `${base}/*.TEX`);
    await expect(openForReading(reading, `${base}/REPORT~1.TEX`)).rejects.toEqual(denied);
    await expect(statFile(reading, `${base}/REPORT~1.TEX`)).rejects.toEqual(denied);
    const writing = await accessTo("fs.write", `${base}/*.TEX`);
    for (const flag of ["w", "a", "wx"] as const) {
      const attempt = openForWriting(writing, `${base}/REPORT~1.TEX`, flag);
      await expect(attempt, flag).rejects.toEqual(denied);
    }
    expect(await readFile(`${base}/report.textile`, "utf8")).toBe("secret");
    const both = await accessTo("fs.read", `${base}/*.TEX`, `${base}/*.textile`);
    expect(await read(both, `${base}/REPORT~1.TEX`)).toBe("secret");
  },
);

test.runIf(home === "/")(
  "R-9.2-7: on Windows a lease below a short name, or another spelling, covers what is there",
  async () => {
    await mkdir(`${base}/Program Files`);
    await writeFile(`${base}/Program Files/a.txt`, "inside");
    for (const name of ["PROGRA~1", "program files"]) {
      system.names.set(name, "Program Files");
      await mkdir(`${base}/${name}`);
    }
    system.sep = "\\";
    for (const name of ["PROGRA~1", "program files"]) {
      const folder = `${base}/${name}`;
      const access = await accessTo("fs.read", folder, `${folder}/**`);
      expect(await read(access, `${folder}/a.txt`)).toBe("inside");
      expect(await listDirectory(access, folder)).toEqual([{ name: "a.txt", kind: "file" }]);
    }
  },
);

test.runIf(home === "/")(
  "R-9.2-7: on Windows what may be a short name is not reachable if the system does not say of what",
  async () => {
    for (const name of ["REPORT~1.TEX", "plain.TEX"]) {
      await writeFile(`${base}/${name}`, "inside");
      system.names.set(name, undefined);
    }
    system.sep = "\\";
    const access = await accessTo("fs.read", `${base}/*.TEX`);
    await expect(openForReading(access, `${base}/REPORT~1.TEX`)).rejects.toEqual(denied);
    expect(await read(access, `${base}/plain.TEX`)).toBe("inside");
  },
);

test.runIf(home === "/").each([
  ["Report.TXT", "Report.txt", "*.txt"],
  ["secret.txt", "\u017fecret.txt", "\u017f*"],
  // Two forms of one letter.
  ["caf\u00e9.txt", "cafe\u0301.txt", "cafe*.txt"],
])(
  "R-9.2-7: on macOS a pattern covers no file that is spelled differently: %s as %s",
  async (file, name, pattern) => {
    await writeFile(`${base}/${file}`, "secret");
    await standIn(name, file);
    Object.defineProperty(process, "platform", { value: "darwin" });
    const reading = await accessTo("fs.read", `${base}/${pattern}`);
    await expect(openForReading(reading, `${base}/${name}`)).rejects.toEqual(denied);
    const both = await accessTo("fs.read", `${base}/${pattern}`, `${base}/${file}`);
    expect(await read(both, `${base}/${name}`)).toBe("secret");
  },
);

test.runIf(home === "/")(
  "on macOS a hard link is what it is called, whichever of its names the system tells",
  async () => {
    await writeFile(`${base}/one.txt`, "inside");
    await standIn("other~1", "one.txt");
    Object.defineProperty(process, "platform", { value: "darwin" });
    const reading = await accessTo("fs.read", `${base}/other*`);
    expect(await read(reading, `${base}/other~1`)).toBe("inside");
    system.names.set("other~1", undefined);
    expect(await read(reading, `${base}/other~1`)).toBe("inside");
  },
);
