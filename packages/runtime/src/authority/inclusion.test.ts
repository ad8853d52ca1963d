import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ANY_SEGMENTS, compileGlob, type Glob, type Segment } from "./glob.ts";
import { type Grammar, inclusion } from "./inclusion.ts";
import { canonicalPath, compilePathGlob } from "./path.ts";

function glob(pattern: string, grammar: Grammar = "text"): Glob {
  const outcome = grammar === "path" ? compilePathGlob(pattern) : compileGlob(pattern);
  if (!outcome.ok) throw new Error(`${pattern} ${outcome.problem}`);
  return outcome.glob;
}

function decide(child: string, parent: string, grammar: Grammar = "text") {
  return inclusion(glob(child, grammar), glob(parent, grammar), grammar);
}

describe("R-9.4-2: what has to be accepted", () => {
  test.each([
    ["/a/b/**", "/a/**"],
    ["/a/*", "/a/**"],
    ["/a/**", "/a/**"],
    ["/a", "/a/**"],
    ["/a/b.txt", "/a/*.txt"],
    ["/a/**/b/**", "/a/**"],
    ["/**", "**"],
    ["**", "**"],
    ["**", "/**"],
    ["/a/*/c", "/a/**/c"],
    ["/x*y/z", "/*/z"],
  ])("paths: %s within %s", (child, parent) => {
    expect(decide(child, parent, "path")).toEqual({ kind: "included" });
  });

  test.each([
    ["ocr.page", "ocr.*"],
    ["claude-3-*", "claude-*"],
    ["mistral/small-*", "mistral/*"],
    ["a*b*c", "a*c"],
    ["*", "*"],
    ["*", "**"],
    ["a/**/b", "**"],
  ])("texts: %s within %s", (child, parent) => {
    expect(decide(child, parent)).toEqual({ kind: "included" });
  });
});

describe("R-9.4-1: what has to be refused, with a text that proves it", () => {
  test.each([
    ["/a/**", "/a/*"],
    ["/a/**", "/a/b/**"],
    ["/a/*", "/a/*.txt"],
    ["/**", "/a/**"],
    ["**", "/a/**"],
    ["/a*", "/a/**"],
    ["/work-evil/**", "/work/**"],
    ["/a/*/c", "/a/b/c"],
  ])("paths: %s is not within %s", (child, parent) => {
    const outcome = decide(child, parent, "path");
    if (outcome.kind !== "excluded") throw new Error(outcome.kind);
    const { witness } = outcome;
    expect(canonicalPath(witness)).toEqual({ ok: true, path: witness });
    expect(glob(child, "path").matches(witness)).toBe(true);
    expect(glob(parent, "path").matches(witness)).toBe(false);
  });

  test.each([
    ["*", "a*"],
    ["**", "*"],
    ["ocr.*", "ocr.page"],
    ["mistral/**", "mistral/*"],
    ["a*", "a*b"],
    ["*b", "a*b"],
  ])("texts: %s is not within %s", (child, parent) => {
    const outcome = decide(child, parent);
    if (outcome.kind !== "excluded") throw new Error(outcome.kind);
    expect(glob(child).matches(outcome.witness)).toBe(true);
    expect(glob(parent).matches(outcome.witness)).toBe(false);
  });
});

/** Patterns over few characters, so that they meet. */
const segment = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom("*", "**") },
  { weight: 5, arbitrary: fc.stringMatching(/^[ab.]{0,2}\*?[ab]{0,2}$/) },
);
const textPattern = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join("/"))
  .filter((pattern) => compileGlob(pattern).ok);
const pathPattern = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join("/")}`)
  .filter((pattern) => compilePathGlob(pattern).ok);
const text = fc
  .array(fc.stringMatching(/^[abc.]{0,3}$/), { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join("/"));

describe("over random pairs of patterns", () => {
  test.each([
    ["text", textPattern],
    ["path", pathPattern],
  ] as const)(
    "R-9.4-1: %s: what is included holds for every sampled text, and what is not is proven",
    (grammar, pattern) => {
      const counts = { included: 0, excluded: 0, undecided: 0 };
      fc.assert(
        fc.property(pattern, pattern, fc.array(text, { maxLength: 30 }), (child, parent, texts) => {
          const outcome = decide(child, parent, grammar);
          counts[outcome.kind] += 1;
          const [inner, outer] = [glob(child, grammar), glob(parent, grammar)];
          if (outcome.kind === "excluded") {
            const { witness } = outcome;
            expect([inner.matches(witness), outer.matches(witness)]).toEqual([true, false]);
            if (grammar === "path")
              expect(canonicalPath(witness)).toEqual({ ok: true, path: witness });
          }
          if (outcome.kind !== "included") return;
          for (const sample of texts) {
            const target = grammar === "path" ? `/${sample}` : sample;
            const canonical = grammar === "path" ? canonicalPath(target) : undefined;
            if (canonical?.ok === false) continue;
            const at = canonical?.path ?? target;
            if (inner.matches(at)) expect([at, outer.matches(at)]).toEqual([at, true]);
          }
        }),
        { numRuns: 3000 },
      );
      expect(counts.undecided).toBe(0);
      expect(counts.included).toBeGreaterThan(100);
      expect(counts.excluded).toBeGreaterThan(100);
    },
  );

  test("R-9.4-2: whatever the procedure of section 9.4 proves is included", () => {
    let proven = 0;
    fc.assert(
      fc.property(textPattern, textPattern, (child, parent) => {
        if (!proves(glob(child).segments, glob(parent).segments)) return;
        proven += 1;
        expect([child, parent, decide(child, parent).kind]).toEqual([child, parent, "included"]);
      }),
      { numRuns: 5000 },
    );
    expect(proven).toBeGreaterThan(100);
  });
});

test("R-9.2-4: a pair that would take too long to decide is refused, soon", () => {
  const parent = `${"*a".repeat(14)}*`;
  const child = `${"*b".repeat(7)}${"*a".repeat(8)}*`;
  expect(["excluded", "undecided", "included"]).toContain(decide(child, parent).kind);
  const long = "a".repeat(1000);
  expect(decide(`*${long}*`, `*${"a".repeat(500)}*${"a".repeat(500)}*`)).toEqual({
    kind: "included",
  });
});

/** The decision procedure as section 9.4 words it, slow and plain. */
function proves(child: readonly Segment[], parent: readonly Segment[]): boolean {
  const [p, ...parents] = parent;
  if (p === undefined) return child.length === 0;
  if (p === ANY_SEGMENTS) {
    return Array.from({ length: child.length + 1 }, (_, n) => n).some((n) =>
      proves(child.slice(n), parents),
    );
  }
  const [c, ...children] = child;
  return c !== undefined && c !== ANY_SEGMENTS && provesSegment(c, p) && proves(children, parents);
}

const W = "\u0001";

function provesSegment(child: readonly string[], parent: readonly string[]): boolean {
  const run = child.join(W);
  const whole = parent.length === 2 && parent.every((literal) => literal === "");
  if (whole) return run === W || run.replaceAll(W, "") !== "";
  const consume = (at: number, tokens: string): boolean => {
    const token = tokens[0];
    if (token === undefined) return at === run.length;
    if (token === W) {
      return Array.from({ length: run.length - at + 1 }, (_, n) => at + n).some((next) =>
        consume(next, tokens.slice(1)),
      );
    }
    return run[at] === token && consume(at + 1, tokens.slice(1));
  };
  // A whole-segment wildcard of the child is one name that is there.
  return consume(0, parent.join(W));
}
