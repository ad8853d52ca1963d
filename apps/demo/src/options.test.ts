import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readOptions } from "./options.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "arcp-options-"));
  writeFileSync(join(base, "file.ts"), "");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function problem(...argv: string[]): Promise<string> {
  const outcome = await readOptions(argv);
  expect(outcome.kind).toBe("wrong");
  const text = outcome.kind === "wrong" ? outcome.problem : "";
  expect(text).not.toContain("\n");
  return text;
}

test("the default is this repository, with a drop between a tenth and nine tenths", async () => {
  const outcome = await readOptions([]);
  const options = outcome.kind === "run" ? outcome.options : undefined;
  expect(options?.files).toBeGreaterThan(100);
  expect(options?.dropAt).toBeGreaterThanOrEqual(0.1);
  expect(options?.dropAt).toBeLessThanOrEqual(0.9);
});

test("a path is told apart from a file, from nothing, and from an empty directory", async () => {
  expect(await readOptions([base])).toMatchObject({ kind: "run", options: { root: base } });
  expect(await problem(join(base, "missing"))).toMatch(/there is no directory .*missing/);
  expect(await problem(join(base, "file.ts"))).toMatch(/file\.ts is not a directory/);
  mkdirSync(join(base, "empty"));
  expect(await problem(join(base, "empty"))).toMatch(/no files/);
});

test("a root that a lease cannot bound is refused", async () => {
  expect(await problem("/")).toMatch(/outside/);
  mkdirSync(join(base, "a*b"));
  expect(await problem(join(base, "a*b"))).toMatch(/wildcard/);
});

test("an unknown option, an invalid share and an invalid time are refused", async () => {
  expect(await problem("--wat")).toMatch(/--wat/);
  expect(await problem(base, base)).toMatch(/one path/);
  for (const share of ["0", "1", "x", ""]) {
    expect(await problem(base, "--drop-at", share)).toMatch(/--drop-at/);
  }
  for (const seconds of ["-1", "x"]) {
    expect(await problem(base, `--seconds=${seconds}`)).toMatch(/--seconds/);
  }
});
