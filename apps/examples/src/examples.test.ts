import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";

const names = readdirSync("src")
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => file.replace(/\.ts$/, ""))
  .sort();

const start = (...wanted: string[]) =>
  spawnSync(process.execPath, ["start.ts", ...wanted], { encoding: "utf8", timeout: 90_000 });

const textOf = (name: string) => readFileSync(`src/${name}.ts`, "utf8");

/** What an example shows, from its first line. */
const headOf = (name: string) => /^\/\/ (.+)\n/.exec(textOf(name))?.[1];

/** What it prints, from its last lines. */
const promised = (name: string) => /\n\/\* It prints:\n(.+)\*\/\n$/s.exec(textOf(name))?.[1];

describe("the examples", () => {
  let all: ReturnType<typeof start>;
  const printed = new Map<string, string>();

  // A short program spends most of its time loading its modules, so one process runs them all.
  beforeAll(() => {
    all = start(...names);
    const parts = all.stdout.split(/^# (.+)\n/m).slice(1);
    for (let at = 0; at < parts.length; at += 2) printed.set(parts[at] ?? "", parts[at + 1] ?? "");
  });

  test.each(names)("%s holds what it asserts, and prints what it says", (name) => {
    expect(printed.get(name), all.stderr).toBe(promised(name));
  });

  test("end by themselves, and successfully", () => {
    expect([all.status, all.signal], all.stderr).toEqual([0, null]);
  });

  test.each(names)("%s is short, and begins with what it shows", (name) => {
    expect(textOf(name).trimEnd().split("\n").length).toBeLessThan(70);
    expect(headOf(name)).toMatch(/^[A-Z].+\.$/);
  });
});

test("README.md lists all of them, each with its own description", () => {
  const rows = readFileSync("README.md", "utf8").matchAll(
    /^\| \[`(.+)`\]\(src\/(.+)\.ts\) +\| (.+?) +\| [\d., ]+ +\|$/gm,
  );
  const listed = [...rows].map(([, name, file, shows]) => [name, file, shows]);
  expect(listed.sort()).toEqual(names.map((name) => [name, name, headOf(name)]));
});

test("without a name they are listed", () => {
  const { status, stdout } = start();
  expect(stdout).toBe(names.map((name) => `${name.padEnd(25)} ${headOf(name)}\n`).join(""));
  expect(status).toBe(0);
});

test("an unknown name gives one line that lists the known ones", () => {
  const { status, stdout, stderr } = start("cancel", "cancle");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(`there is no example "cancle"; there are: ${names.join(", ")}\n`);
});
