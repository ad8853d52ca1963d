import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { compileGlob, type Glob, matchesAgent } from "./glob.ts";

function glob(pattern: string): Glob {
  const outcome = compileGlob(pattern);
  if (!outcome.ok) throw new Error(`${pattern} ${outcome.problem}`);
  return outcome.glob;
}

describe("R-9.2-2: the elements of a pattern", () => {
  test.each([
    // Any other character matches itself.
    ["a?c", "a?c", true],
    ["a?c", "abc", false],
    ["[ab]", "[ab]", true],
    ["[ab]", "a", false],
    ["{a,b}", "{a,b}", true],
    ["{a,b}", "a", false],
    ["\\*", "\\anything", true],
    ["\\*", "*", false],
    ["a.c", "abc", false],
    ["A", "a", false],
    ["(a|b)+$", "(a|b)+$", true],
    // `*` next to other characters: zero or more, but not `/`.
    ["a*", "a", true],
    ["a*", "abc", true],
    ["a*", "a/b", false],
    ["*a", "a", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["ab*ba", "aba", false],
    ["*a*b*", "xxaxxbxx", true],
    ["*a*b*", "xxbxxaxx", false],
    ["*ab", "aab", true],
    ["*aab*b", "aaabb", true],
    ["*aab*ab", "aaab", false],
    // `*` as a whole segment: exactly one segment that is not empty.
    ["*", "a", true],
    ["*", "", false],
    ["*", "a/b", false],
    ["a/*", "a/", false],
    ["a/*/c", "a//c", false],
    ["a/*/c", "a/b/c", true],
    // `**` as a whole segment: zero or more.
    ["**", "", true],
    ["**", "a/b/c", true],
    ["a/**", "a", true],
    ["a/**", "a/", true],
    ["a/**", "a/b/c", true],
    ["a/**", "ab", false],
    ["**/c", "c", true],
    ["**/c", "a/b/c", true],
    ["**/c", "a/b/xc", false],
    ["a/**/c", "a/c", true],
    ["a/**/c", "a/c/c/c", true],
    ["a/**/c", "a/c/d", false],
    ["**/b/**/b", "b", false],
    ["**/b/**/b", "a/b/a/b", true],
    ["**/**", "a", true],
    ["**/*", "", false],
    ["**/a/b/**/c", "a/a/b/b/c", true],
  ])("%j and %j: %s", (pattern, target, expected) => {
    expect(glob(pattern).matches(target)).toBe(expected);
  });

  test.each(["a**", "**a", "a/b**/c", "***", "a/***/b", "a*****"])(
    "R-9.2-3: %j is invalid",
    (pattern) => {
      expect(compileGlob(pattern)).toEqual({ ok: false, problem: expect.stringContaining("**") });
    },
  );
});

describe("R-9.2-2: the examples of the tables", () => {
  test.each([
    ["ocr.*", ["ocr.page", "ocr.page.fast", "ocr."], ["ocr", "OCR.page", "x/ocr.page"]],
    ["mistral/*", ["mistral/large-3"], ["mistral", "mistral/eu/large-3"]],
  ])("%j", (pattern, covered, others) => {
    for (const target of covered) expect(glob(pattern).matches(target), target).toBe(true);
    for (const target of others) expect(glob(pattern).matches(target), target).toBe(false);
  });
});

describe("R-9.2-3: limits", () => {
  test("1,024 characters are allowed, one more is not", () => {
    expect(compileGlob("x".repeat(1024)).ok).toBe(true);
    expect(compileGlob("x".repeat(1025))).toEqual({
      ok: false,
      problem: "is longer than 1024 characters",
    });
  });

  test("a character outside the basic plane counts once", () => {
    expect(compileGlob("😀".repeat(1024)).ok).toBe(true);
    expect(compileGlob("😀".repeat(1025)).ok).toBe(false);
  });

  test("sixteen wildcards are allowed, one more is not, and ** counts as one", () => {
    expect(compileGlob("*a".repeat(16)).ok).toBe(true);
    expect(compileGlob("*a".repeat(17)).ok).toBe(false);
    expect(compileGlob("**/*/".repeat(8)).ok).toBe(true);
    expect(compileGlob(`${"**/*/".repeat(8)}*`).ok).toBe(false);
  });

  test("R-9.1-1: an empty pattern is invalid", () => {
    expect(compileGlob("").ok).toBe(false);
  });
});

describe("R-9.2-2: agents", () => {
  test.each([
    ["pdf-*@2.*", "pdf-render@2.4.0", true],
    ["pdf-*@2.*", "pdf-render@3.0.0", false],
    ["pdf-*@2.*", "pdf-render", false],
    ["pdf-*", "pdf-render", true],
    ["pdf-*", "pdf-render@3.0.0", true],
    ["pdf-*", "xpdf-render@3.0.0", false],
    ["pdf-render", "pdf-render@3.0.0", true],
    ["*", "pdf-render@3.0.0", true],
    ["**", "pdf-render@3.0.0", true],
    ["*@*", "pdf-render", false],
    ["*@*", "pdf-render@1", true],
    // `2.*` must not extend from the version into something that is not an agent at all.
    ["pdf-*", "pdf-render@2.0@evil", false],
    ["pdf-*", "pdf-render/../x", false],
    ["**", "", false],
  ])("%j and %j: %s", (pattern, agent, expected) => {
    expect(matchesAgent(glob(pattern), agent)).toBe(expected);
  });
});

/** The tables once more, one character at a time and as slowly as necessary. */
function reference(pattern: readonly string[], target: readonly string[]): boolean {
  const [segment, ...rest] = pattern;
  if (segment === undefined) return target.length === 0;
  if (segment === "**") {
    return target.some((_, i) => reference(rest, target.slice(i))) || reference(rest, []);
  }
  const [candidate, ...others] = target;
  if (candidate === undefined || (segment === "*" && candidate === "")) return false;
  return referenceSegment(segment, candidate) && reference(rest, others);
}

function referenceSegment(segment: string, target: string): boolean {
  if (segment === "") return target === "";
  const [first, rest] = [segment.charAt(0), segment.slice(1)];
  if (first === "*") {
    return (
      referenceSegment(rest, target) ||
      (target !== "" && referenceSegment(segment, target.slice(1)))
    );
  }
  return target.startsWith(first) && referenceSegment(rest, target.slice(1));
}

test("a target that is longer than any has to be is not compared", () => {
  expect(glob("**").matches("a".repeat(8192))).toBe(true);
  expect(glob("**").matches("a".repeat(8193))).toBe(false);
});

test("R-9.2-2: matching agrees with a naive matcher", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 5 });
  const segment = fc.oneof(
    word.map((text) => text.replaceAll(/\*+/g, "*")),
    fc.constant("**"),
    fc.constant("*"),
  );
  const pattern = fc.array(segment, { minLength: 1, maxLength: 5 }).map((s) => s.join("/"));
  const target = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 10 });
  let matched = 0;
  fc.assert(
    fc.property(pattern, target, (p, t) => {
      fc.pre(p !== "");
      const expected = reference(p.split("/"), t.split("/"));
      if (expected) matched += 1;
      return glob(p).matches(t) === expected;
    }),
    { numRuns: 5000 },
  );
  // A test of matches that never match would prove little.
  expect(matched).toBeGreaterThan(100);
});

describe("R-9.2-4: matching takes time linear in the target", () => {
  const { charCodeAt } = String.prototype;
  afterEach(() => {
    String.prototype.charCodeAt = charCodeAt;
  });

  /** The matcher reads texts only with `charCodeAt`, so its steps can be counted from outside. */
  function steps(pattern: string, target: string): number {
    const compiled = glob(pattern);
    let count = 0;
    String.prototype.charCodeAt = function (index) {
      count += 1;
      return charCodeAt.call(this, index);
    };
    const matched = compiled.matches(target);
    String.prototype.charCodeAt = charCodeAt;
    expect(matched).toBe(false);
    return count;
  }

  test.each([
    ["*a*a*a*a*a*a*a*a*a*a*a*a*a*b*", (n: number) => "a".repeat(n)],
    ["x*aab*aab*aab*aab*c", (n: number) => `x${"a".repeat(n)}c`],
    ["**/a/**/a/**/a/**/a/**/a/**/b", (n: number) => "a/".repeat(n)],
    ["**/a/a/a/a/*/b/**/c", (n: number) => "a/".repeat(n)],
    ["**/*a*a*b/**/*a*a*b/**/*a*a*b", (n: number) => "aaaa/".repeat(n)],
    ["**/*a*ab*/**/x", (n: number) => `${"a".repeat(n / 8)}/`.repeat(8)],
    [`*${"a".repeat(90)}b*`, (n: number) => "a".repeat(n)],
    [`**/${"a/".repeat(90)}b`, (n: number) => "a/".repeat(n)],
  ])("%j", (pattern, target) => {
    const [small, large] = [target(200), target(1600)];
    const [few, many] = [steps(pattern, small), steps(pattern, large)];
    expect(few).toBeGreaterThan(small.length / 4);
    expect(many).toBeLessThan(few * 8.5);
    // At most two steps for each wildcard, each of which reads a character only a few times.
    const wildcards = pattern.match(/\*+/g)?.length ?? 0;
    expect(many).toBeLessThanOrEqual(5 * (2 * wildcards + 1) * large.length);
  });
});
