import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileGlob, type Glob } from "./glob.ts";
import { PATH, TEXT } from "./grammar.ts";
import { decided, inclusion } from "./inclusion.ts";
import { canonicalPath, compilePathGlob } from "./path.ts";

type Grammar = "text" | "path";

function glob(pattern: string, grammar: Grammar = "text"): Glob {
  const outcome = grammar === "path" ? compilePathGlob(pattern) : compileGlob(pattern);
  if (!outcome.ok) throw new Error(`${pattern} ${outcome.problem}`);
  return outcome.glob;
}

function decide(child: string, parent: string, grammar: Grammar = "text") {
  const texts = grammar === "path" ? PATH : TEXT;
  return decided(inclusion(glob(child, grammar), glob(parent, grammar), texts));
}

describe("R-9.4-2: pairs that must be accepted", () => {
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

describe("R-9.4-1: pairs that must be refused, with a text that proves it", () => {
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

/** Patterns over few characters, so that they overlap. */
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
    "R-9.4-1: %s: what is included holds for every sampled text, and what is excluded comes with a proof",
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
});

describe("R-9.2-4: a pair that would take too long to decide is soon refused", () => {
  const distinct = String.fromCodePoint(...Array.from({ length: 900 }, (_, n) => 0x4e00 + n));
  const long = "a".repeat(1000);

  test.each([
    [`${"*b".repeat(7)}${"*a".repeat(8)}*`, `${"*a".repeat(14)}*`],
    [`*${distinct}*`, `*${"a".repeat(900)}*`],
    [`*${"a".repeat(900)}*`, `*${distinct}*`],
    [`${`*${"a".repeat(60)}`.repeat(15)}*`, `${`*${"a".repeat(61)}`.repeat(15)}*`],
    ["**/a/".repeat(8), "**/a*b/**/".repeat(5)],
  ])("%.20s… within %.20s…", (child, parent) => {
    const effort = { left: 1_000_000 };
    const outcome = decided(inclusion(glob(child), glob(parent), TEXT, effort));
    if (outcome.kind === "excluded") {
      expect(glob(child).matches(outcome.witness)).toBe(true);
      expect(glob(parent).matches(outcome.witness)).toBe(false);
    }
    // One decision uses only a part of the effort that many share.
    expect(effort.left).toBeGreaterThan(790_000);
  });

  test("J4: a decision takes steps of about a thousand moves", () => {
    const effort = { left: 1_000_000 };
    const [child, parent] = [60, 61].map((run) => glob(`${`*${"a".repeat(run)}`.repeat(15)}*`));
    if (child === undefined || parent === undefined) throw new Error("unreachable");
    let steps = 0;
    let before = effort.left;
    for (const _ of inclusion(child, parent, TEXT, effort)) {
      expect(before - effort.left).toBeLessThan(2000);
      before = effort.left;
      steps += 1;
    }
    expect(steps).toBeGreaterThan(10);
  });

  test("the effort grows no faster than the length of a pattern", () => {
    const parent = glob(`${"*a".repeat(15)}*b`);
    const moves = (length: number): number => {
      const effort = { left: 1_000_000 };
      const child = glob(`${"a".repeat(length)}*`);
      expect(decided(inclusion(child, parent, TEXT, effort)).kind).toBe("excluded");
      return 1_000_000 - effort.left;
    };
    expect(moves(1000)).toBeLessThan(12 * moves(100));
  });

  test("without any effort left, an obvious inclusion is found and nothing else is decided", () => {
    const within = (child: string, parent: string) =>
      decided(inclusion(glob(child), glob(parent), TEXT, { left: 0 })).kind;
    expect(within(`*${long}*`, `*${"a".repeat(500)}*${"a".repeat(500)}*`)).toBe("included");
    expect(within("a*", "b*")).toBe("undecided");
  });
});
