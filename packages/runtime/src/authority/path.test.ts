import { LocalError } from "@arcp/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Glob } from "./glob.ts";
import { canonicalPath, compilePathGlob, literalPrefix, withLiteralPrefix } from "./path.ts";

function glob(pattern: string, workspace?: string): Glob {
  const outcome = compilePathGlob(pattern, workspace);
  if (!outcome.ok) throw new Error(`${pattern} ${outcome.problem}`);
  return outcome.glob;
}

/** Matches as the guard does: the target is made canonical first. */
function covers(pattern: string, target: string, workspace?: string): boolean {
  const canonical = canonicalPath(target, workspace);
  return canonical.ok && glob(pattern, workspace).matches(canonical.path);
}

describe("R-9.2-5: canonical paths", () => {
  test.each([
    ["/a/b", "/a/b"],
    ["/", "/"],
    ["//", "/"],
    ["/a//b///c", "/a/b/c"],
    ["/a/b/", "/a/b"],
    ["/a/./b/.", "/a/b"],
    ["/a/../b", "/b"],
    ["/a/b/../../c", "/c"],
    ["/a/..", "/"],
    ["x/y", "/work/x/y"],
    [".", "/work"],
    ["..", "/"],
    ["../etc", "/etc"],
    // Ordinary names, whatever they look like.
    ["/a/%2e%2e/b", "/a/%2e%2e/b"],
    ["/a/..%2fb", "/a/..%2fb"],
    ["/a\\..\\b", "/a\\..\\b"],
    ["/a/.../b", "/a/.../b"],
    ["/a/ /b", "/a/ /b"],
  ])("%j is %j", (path, expected) => {
    expect(canonicalPath(path, "/work/")).toEqual({ ok: true, path: expected });
  });

  test.each([
    ["/..", "climbs above the root"],
    ["/a/../../b", "climbs above the root"],
    ["../../b", "climbs above the root"],
    ["/a/../../a/b", "climbs above the root"],
    ["/a\0/b", "contains NUL"],
    ["", "is empty"],
  ])("%j is denied: %s", (path, problem) => {
    expect(canonicalPath(path, "/work")).toEqual({ ok: false, problem });
  });

  test("a relative path without a workspace is denied", () => {
    expect(canonicalPath("a").ok).toBe(false);
  });

  test("a workspace that is not absolute is the operator's mistake", () => {
    expect(() => canonicalPath("a", "work")).toThrow(LocalError);
    expect(() => compilePathGlob("a", "../work")).toThrow(LocalError);
  });

  test("a canonical path stays as it is, and has nothing left to resolve", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "..", ".", "", "...", ".a"), { maxLength: 8 })
      .map((names) => `/${names.join("/")}`);
    fc.assert(
      fc.property(path, (raw) => {
        const once = canonicalPath(raw);
        if (!once.ok) return;
        expect(canonicalPath(once.path)).toEqual(once);
        expect(once.path).toMatch(/^\/$|^(\/(?!\.{1,2}(\/|$))[^/]+)+$/);
      }),
    );
  });
});

describe("R-9.2-6: path patterns", () => {
  test.each([
    ["/srv/docs/", "/srv/docs", true],
    ["/srv//docs/*", "/srv/docs/a", true],
    ["/", "/", true],
    ["/", "/a", false],
    ["/*", "/", false],
    ["/*", "/a", true],
    ["/**", "/", true],
    ["/**", "/a/b", true],
    ["/**/", "/a/b", true],
    ["**", "/", true],
    ["**", "/a/b", true],
    ["/.*", "/.git", true],
  ])("%j and %j: %s", (pattern, target, expected) => {
    expect(covers(pattern, target)).toBe(expected);
  });

  test.each(["/a/../b", "/a/./b", "./a", "../a", "..", ".", "/a/..", "/a\0b"])(
    "%j is invalid",
    (pattern) => {
      expect(compilePathGlob(pattern, "/work").ok).toBe(false);
    },
  );

  test.each(["a", "src/**", "**/", "**/a", "*"])("%j is invalid without a workspace", (pattern) => {
    expect(compilePathGlob(pattern)).toEqual({
      ok: false,
      problem: "is relative, but the job has no workspace; write an absolute path",
    });
  });

  test("relative patterns are relative to the workspace, except the single **", () => {
    expect(covers("src/**", "/work/src/a", "/work")).toBe(true);
    expect(covers("src/**", "src/a", "/work")).toBe(true);
    expect(covers("src/**", "/other/src/a", "/work")).toBe(false);
    expect(covers("**/a", "/work/x/a", "/work")).toBe(true);
    expect(covers("**/a", "/etc/a", "/work")).toBe(false);
    expect(covers("**", "/etc/a", "/work")).toBe(true);
    expect(covers("*", "/a", "/")).toBe(true);
    expect(covers("*", "/a/b", "/")).toBe(false);
  });

  test("a wildcard in the workspace's name is an ordinary character", () => {
    expect(covers("src/*", "/w*/src/a", "/w*")).toBe(true);
    expect(covers("src/*", "/work/src/a", "/w*")).toBe(false);
    expect(covers("a", "/**/a", "/**")).toBe(true);
    expect(covers("a", "/x/a", "/**")).toBe(false);
  });

  test("R-9.2-3: the limits apply to what was submitted", () => {
    expect(compilePathGlob("a".repeat(1024), "/work").ok).toBe(true);
    expect(compilePathGlob(`/${"a".repeat(1024)}`).ok).toBe(false);
    expect(compilePathGlob("/a**").ok).toBe(false);
  });
});

describe("R-9.2-2: the examples of the tables", () => {
  test.each([
    ["/srv/docs/*", "/srv/docs/a.txt", true],
    ["/srv/docs/*", "/srv/docs", false],
    ["/srv/docs/*", "/srv/docs/x/a.txt", false],
    ["/srv/docs/*", "/srv/docs2", false],
    ["/srv/**/raw/*.csv", "/srv/raw/a.csv", true],
    ["/srv/**/raw/*.csv", "/srv/x/y/raw/a.csv", true],
    ["/srv/**/raw/*.csv", "/srv/raw/q/a.csv", false],
    ["/a/**", "/a", true],
  ])("%j and %j: %s", (pattern, target, expected) => {
    expect(covers(pattern, target)).toBe(expected);
  });
});

describe("R-9.2-5: nothing leads out of /work/**", () => {
  test.each([
    "/work/../etc/passwd",
    "/work/a/../../etc/passwd",
    "/work/./../etc/passwd",
    "/work//..//etc/passwd",
    "/work-evil/a",
    "/work-evil",
    "/work.txt",
    "/workshop/../etc",
    "/Work/a",
    "/etc/passwd\0/work/a",
    "/work/a\0",
    "/../work/a",
    "work/a",
    "\\work\\a",
    "/%77ork/a",
    "//etc/passwd",
    " /work/a",
    "file:///work/a",
    "",
  ])("%j", (target) => {
    expect(covers("/work/**", target)).toBe(false);
  });

  test.each(["/work/%2e%2e/etc/passwd", "/work/..%2f..%2fetc", "/work/..\\..\\etc"])(
    "%j is a name inside",
    (target) => {
      expect(covers("/work/**", target)).toBe(true);
    },
  );
});

describe("the literal prefix of a pattern", () => {
  test.each([
    ["/work/docs/*.txt", "/work/docs"],
    ["/work/do*/x", "/work"],
    ["/work/**/x", "/work"],
    ["/work/a", "/work/a"],
    ["/**", "/"],
    ["/", "/"],
    ["**", undefined],
  ])("of %j is %j", (pattern, prefix) => {
    expect(literalPrefix(glob(pattern))).toBe(prefix);
  });

  test("can be replaced, and is literal there", () => {
    const moved = withLiteralPrefix(glob("/tmp/x/*.txt"), "/private/t*p");
    expect(moved.matches("/private/t*p/a.txt")).toBe(true);
    expect(moved.matches("/private/temp/a.txt")).toBe(false);
    expect(moved.matches("/tmp/x/a.txt")).toBe(false);
    expect(withLiteralPrefix(glob("/tmp/**"), "/").matches("/etc")).toBe(true);
    expect(withLiteralPrefix(glob("/tmp/a"), "/").matches("/")).toBe(true);
    expect(withLiteralPrefix(glob("/tmp/a"), "/").matches("/a")).toBe(false);
    expect(withLiteralPrefix(glob("/tmp/a"), "/b/c").matches("/b/c")).toBe(true);
  });
});
