import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Fragment, fragments, fragmentsOf } from "./fragment.ts";
import { Page, page, pages } from "./page.ts";
import { Process } from "./process.ts";
import { type Program, programs, programsOf, sourceOf } from "./program.ts";
import { directories, root } from "./repository.ts";
import { run } from "./run.ts";
import { Scratch } from "./scratch.ts";

const named = programs.map((program) => ({
  ...program,
  name: `${program.page}:${program.parts.map(({ line }) => line).join("+")}`,
}));

describe("what the pages show as runnable", () => {
  test.each(named)("$name runs to its end", async (program) => {
    const { code, stdout, stderr, hung } = await run(program);
    expect(hung, `it did not end\n${stdout}${stderr}`).toBe(false);
    expect(code, stderr).toBe(0);
    if (program.output !== undefined) expect(stdout).toBe(program.output);
  });

  test("is in the README of the repository and of every package", () => {
    const shown = new Set(programs.map((program) => program.page));
    const expected = ["README.md", ...directories("packages").map((name) => readme(name))];
    expect(expected.filter((path) => !shown.has(path))).toEqual([]);
  });

  test("README.md: the runtime and the client take at most twenty lines each", () => {
    const [pair] = programsOf(page("README.md"));
    expect(pair?.parts.map(({ file }) => file)).toEqual(["runtime.ts", "client.ts"]);
    for (const { code } of pair?.parts ?? [])
      expect(code.trim().split("\n").length).toBeLessThan(21);
  });
});

describe("blocks of TypeScript on all pages", () => {
  test("typecheck under the options of the repository", async () => {
    const { code, stdout } = await typecheck(programs, fragments);
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });

  test("are all marked as ts", () => {
    const others = pages.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ info }) => /^(typescript|tsx|mts|cts|javascript|jsx?|mjs|cjs)\b/i.test(info))
        .map(({ info, line }) => `${path}:${line}: ${info}`),
    );
    expect(others).toEqual([]);
  });
});

describe("the check itself", () => {
  const programOf = (text: string) => programsOf(new Page("x.md", text))[0] ?? expect.fail();

  test("detects a program that fails", async () => {
    const { code, stderr } = await run(programOf("\n```ts runnable\nthrow new Error('no');\n```"));
    expect(code).toBe(1);
    expect(stderr).toContain("main.ts:3");
  });

  test("detects a program that does not end, and ends it", async () => {
    const { hung } = await run(
      programOf("```ts runnable\nsetInterval(() => {}, 1000);\n```"),
      1_500,
    );
    expect(hung).toBe(true);
  });

  test("detects a server that dies, whatever its client says", async () => {
    const server = "```ts runnable file=a.ts\nconsole.log(':' + process.pid);\n```\n";
    // It runs until the server is visibly gone: the server prints its process id where others print a port.
    const client =
      "```ts runnable file=b.ts\ntry { for (;;) process.kill(7777, 0); } catch {}\n```";
    await expect(run(programOf(server + client))).rejects.toThrow("a.ts ended before b.ts did");
  });

  test("reports a type error at its line", async () => {
    const wrong = programOf('\n\n```ts runnable\nconst n: number = "one";\nconsole.log(n);\n```');
    const fragment =
      "<!-- given declare const n: number; -->\n\n```ts\nconst text: string = n;\n```";
    const { code, stdout } = await typecheck([wrong], fragmentsOf(new Page("x.md", fragment)));
    expect(code).not.toBe(0);
    expect(stdout).toContain("main.ts(4,");
    expect(stdout).toContain("x.md.4.ts(4,7): error TS2322");
    expect(stdout).not.toContain("x.md.4.ts(1,");
  });

  test("overlooks no block that is marked as runnable", () => {
    const marked = pages.flatMap(({ text }) => text.match(/^\s*(```|~~~).*\brunnable\b/gm) ?? []);
    expect(programs.flatMap(({ parts }) => parts)).toHaveLength(marked.length);
  });
});

/** Checks everything in one run of the compiler, which starts slowly and checks fast. */
async function typecheck(
  programs: readonly Pick<Program, "parts">[],
  fragments: readonly Fragment[],
) {
  using scratch = new Scratch();
  for (const [index, { parts }] of programs.entries()) {
    for (const part of parts) scratch.write(`programs/${index}/${part.file}`, sourceOf(part));
  }
  for (const { file, source } of fragments) scratch.write(`fragments/${file}`, source);
  const compilerOptions = {
    composite: false,
    noEmit: true,
    types: ["node"],
    // What a fragment imports from beside its page is resolved there, or to the stand-in that `docs/fragments` has for the page.
    rootDirs: ["fragments", "../../fragments", root],
    rewriteRelativeImportExtensions: false,
  };
  const include = [".", "../../fragments/scene.ts"];
  const tsconfig = { extends: "../../../tsconfig.base.json", compilerOptions, include };
  scratch.write("tsconfig.json", JSON.stringify(tsconfig));
  const { resolve } = createRequire(import.meta.url);
  const compiler = join(dirname(resolve("typescript/package.json")), "bin/tsc");
  await using child = new Process([compiler, "--pretty", "false", "-p", "."], scratch.path);
  return await child.exit;
}

function readme(name: string): string {
  return `packages/${name}/README.md`;
}
