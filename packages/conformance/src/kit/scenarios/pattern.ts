import assert from "node:assert/strict";
import { checkPatterns } from "../lease-trial.ts";
import { feature } from "../need.ts";
import { refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf } from "../script-outcome.ts";
import type { Site } from "../site.ts";

const agent = "conformance.script";

async function refuses(
  site: Site,
  leases: readonly (readonly [namespace: string, pattern: string])[],
): Promise<void> {
  const wire = await site.greeted();
  for (const [namespace, pattern] of leases) {
    const payload = { agent, input: { steps: [] }, lease_request: { [namespace]: [pattern] } };
    const { code } = await refusedSubmit(wire, payload, `${namespace}: ${pattern}`);
    assert.equal(code, "INVALID_REQUEST", `${namespace}: ${pattern}`);
  }
}

export const pattern: readonly Scenario[] = [
  {
    name: "a namespace that is neither reserved nor a vendor's is refused",
    verifies: ["R-9.2-1"],
    play: (site) =>
      refuses(
        site,
        ["fs.delete", "fs", "tool", "FS.READ", "x-vendor", "x-vendor.acme", "x-acme.a.b", ""].map(
          (namespace) => [namespace, "**"],
        ),
      ),
  },
  {
    name: "literal characters, *, a segment * and a segment ** match as the tables say",
    verifies: ["R-9.2-2"],
    play: (site) =>
      checkPatterns(site, "R-9.2-2", "x-vendor.acme.thing", [
        ["a?c", ["a?c"], ["abc", "ac"]],
        ["[ab]", ["[ab]"], ["a", "b"]],
        ["{a,b}", ["{a,b}"], ["a"]],
        ["\\*", ["\\", "\\anything"], ["*"]],
        ["a.c", ["a.c"], ["abc"]],
        ["A", ["A"], ["a"]],
        ["a", ["a"], ["aa", "a/a", "xa", "a "]],
        ["a*", ["a", "abc", "a*"], ["a/b", "ba", "A"]],
        ["*a", ["a", "ba"], ["ab", "b/a"]],
        ["a*a", ["aa", "aba"], ["a", "a/a"]],
        ["*", ["a", "*", "a.b"], ["a/b", "a/"]],
        ["a/*", ["a/b"], ["a", "a/", "a/b/c"]],
        ["a/*/c", ["a/b/c"], ["a//c", "a/c", "a/b/b/c"]],
        ["**", ["a", "a/b/c"], []],
        ["a/**", ["a", "a/b", "a/b/c"], ["ab", "b/a"]],
        ["**/c", ["c", "a/c", "a/b/c"], ["a/xc", "c/a"]],
        ["a/**/c", ["a/c", "a/b/c", "a/c/c/c"], ["a/c/d", "ac"]],
      ]),
  },
  {
    name: "tools are literal texts, in which a dot is an ordinary character",
    verifies: ["R-9.2-2"],
    play: (site) =>
      checkPatterns(site, "R-9.2-2", "tool.call", [
        ["ocr.*", ["ocr.page", "ocr.page.fast", "ocr."], ["ocr", "OCR.page", "x/ocr.page"]],
        ["*", ["ocr.page"], ["a/b"]],
      ]),
  },
  {
    name: "models are literal texts",
    verifies: ["R-9.2-2"],
    needs: [feature("model.use")],
    play: (site) =>
      checkPatterns(site, "R-9.2-2", "model.use", [
        ["mistral/*", ["mistral/large-3"], ["mistral", "mistral/eu/large-3", "MISTRAL/large-3"]],
      ]),
  },
  {
    name: "agents are compared by name, and by version where the pattern has one",
    verifies: ["R-9.2-2"],
    play: (site) =>
      checkPatterns(site, "R-9.2-2", "agent.delegate", [
        ["pdf-*@2.*", ["pdf-render@2.4.0"], ["pdf-render@3.0.0", "pdf-render"]],
        ["pdf-*", ["pdf-render", "pdf-render@3.0.0"], ["xpdf-render"]],
        ["pdf-render@2.4.0", ["pdf-render@2.4.0"], ["pdf-render@2.4.01", "pdf-render"]],
      ]),
  },
  {
    name: "a pattern that is invalid, too long, or has too many wildcards is refused",
    verifies: ["R-9.2-3"],
    play: (site) =>
      refuses(site, [
        ["fs.read", "/a/**.csv"],
        ["fs.read", "/a**/b"],
        ["fs.read", "/***"],
        ["tool.call", "***"],
        ["tool.call", "a**"],
        ["tool.call", "*a".repeat(17)],
        ["tool.call", "**/".repeat(17)],
        ["tool.call", "x".repeat(1025)],
        ["agent.delegate", "a***"],
        ["net.fetch", "https://acme.test/a**"],
        ["x-vendor.acme.thing", "**a"],
      ]),
  },
  {
    name: "patterns of the greatest allowed length, with the most wildcards allowed, are granted",
    verifies: ["R-9.2-3"],
    async play(site) {
      const wire = await site.greeted();
      const lease_request = { "tool.call": ["x".repeat(1024), "*a".repeat(16)] };
      await site.played(wire, [], { lease_request });
    },
  },
  {
    name: "patterns that provoke backtracking are matched all the same, and delay nobody",
    verifies: ["R-9.2-4"],
    async play(site) {
      const [wire, other] = await Promise.all([site.greeted(), site.greeted()]);
      const patterns = [`${"*a".repeat(15)}*b`, "**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b"];
      const targets = ["a".repeat(10_000), "a/".repeat(5_000)];
      const [all] = await Promise.all([
        site.played(
          wire,
          targets.map((target, n) => ({
            do: "authorize",
            capability: "x-vendor.acme.thing",
            target,
            as: `${n}`,
          })),
          { lease_request: { "x-vendor.acme.thing": patterns } },
        ),
        site.played(other, []),
      ]);
      assert.deepEqual(answersOf(all), { 0: "PERMISSION_DENIED", 1: "PERMISSION_DENIED" });
    },
  },
];
