import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const demo = fileURLToPath(new URL("main.ts", import.meta.url));

let tree: string;
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "arcp-demo-"));
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

function run(...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; out: string; err: string }>();
  const env = { ...process.env, FORCE_COLOR: "1" };
  execFile(process.execPath, [demo, ...args], { env }, (error, out, err) =>
    resolve({ code: error?.code ?? 0, out, err }),
  );
  return promise;
}

function fill(files: number): void {
  mkdirSync(join(tree, "src"));
  for (let n = 0; n < files; n += 1) {
    writeFileSync(join(tree, "src", `file-${n}.ts`), `// TODO: ${n} \u001b[31m\n`);
  }
}

// With a single file, the tool's one call takes all the time: the client could be back before the agent continues.
test.each([
  [200, "0"],
  [1, "0"],
  [1, "1"],
  [25, "1"],
])(
  "R-13-3, R-6.3-8: with %i file(s) in %s s it drops, resumes, is watched, and holds; piped it is plain",
  async (files, seconds) => {
    fill(files);
    const { code, out, err } = await run(tree, "--seconds", seconds);
    expect(err).toBe("");
    expect(code, out).toBe(0);
    expect(out).not.toContain("\u001b");
    expect(out).toMatch(/alice's TCP connection was reset at \d+ %/);
    expect(out).toMatch(/alice's client resumed after \d+ ms/);
    expect(out).toMatch(/bob watches too/);
    expect(out).toMatch(/fs\.read .*: PERMISSION_DENIED/);
    expect(out).toMatch(/ok {2}both saw the same \d+ events/);
    expect(out).toContain(`TODO and FIXME: ${files}`);
    expect(out).not.toContain("BAD");
  },
);

test("an invalid path gives one line and exit code 2", async () => {
  const { code, out, err } = await run(join(tree, "missing"));
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err).toMatch(/^there is no directory .*missing.*\n$/);
});
