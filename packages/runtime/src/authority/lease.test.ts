import { type Capability, type Lease, LocalError } from "@arcp/core";
import { afterEach, describe, expect, test } from "vitest";
import { type CompiledLease, compileLease } from "./lease.ts";

function lease(json: Lease, workspace?: string): CompiledLease {
  const outcome = compileLease(json, { workspace });
  if (!outcome.ok) throw new Error(outcome.problem);
  return outcome.lease;
}

function problem(json: Lease, workspace?: string): string | undefined {
  const outcome = compileLease(json, { workspace });
  return outcome.ok ? undefined : outcome.problem;
}

describe("what a lease covers", () => {
  test("R-9.1-1: a missing namespace and an empty one grant nothing", () => {
    const of = lease({ "tool.call": [], "fs.read": ["**"] });
    expect(of.covers("tool.call", "a")).toBe(false);
    expect(of.covers("model.use", "a")).toBe(false);
    expect(of.covers("x-vendor.acme.x", "a")).toBe(false);
    expect(of.covers("fs.write", "/a")).toBe(false);
    expect(of.covers("fs.read", "/a")).toBe(true);
    expect(lease({}).covers("fs.read", "/a")).toBe(false);
  });

  test("R-9.2-2: each namespace has its own comparison", () => {
    const of = lease({
      "fs.read": ["/work/**"],
      "fs.write": ["/work/out/*"],
      "tool.call": ["ocr.*"],
      "agent.delegate": ["pdf-*@2.*", "mail"],
      "model.use": ["mistral/*"],
      "x-vendor.acme.queue": ["jobs/**"],
    });
    expect(of.covers("fs.read", "/work/a/../b")).toBe(true);
    expect(of.covers("fs.read", "/work/../b")).toBe(false);
    expect(of.covers("fs.write", "/work/b")).toBe(false);
    expect(of.covers("fs.write", "/work/out//b")).toBe(true);
    // Dots have no meaning in literal text: only what is written counts.
    expect(of.covers("tool.call", "ocr.page")).toBe(true);
    expect(of.covers("tool.call", "x/../ocr.page")).toBe(false);
    expect(of.covers("agent.delegate", "pdf-render@2.1")).toBe(true);
    expect(of.covers("agent.delegate", "mail@7")).toBe(true);
    expect(of.covers("model.use", "mistral/large")).toBe(true);
    expect(of.covers("model.use", "mistral/eu/large")).toBe(false);
    expect(of.covers("x-vendor.acme.queue", "jobs/a/b")).toBe(true);
  });

  test("R-9.2-6: relative paths and patterns are relative to the workspace", () => {
    const of = lease({ "fs.read": ["src/**"] }, "/work/");
    expect(of.covers("fs.read", "src/a.ts")).toBe(true);
    expect(of.covers("fs.read", "/work/src/a.ts")).toBe(true);
    expect(of.covers("fs.read", "src/../../etc/passwd")).toBe(false);
    expect(of.covers("fs.read", "/src/a.ts")).toBe(false);
  });

  test("R-9.2-8: a URL is never compared as raw text, so one that cannot be parsed is not covered", () => {
    const of = lease({ "net.fetch": ["https://acme.test/**", "**"] });
    expect(of.covers("net.fetch", "https://acme.test/")).toBe(true);
    expect(of.covers("net.fetch", "file:///etc/passwd")).toBe(false);
  });

  describe("R-9.2-4: many patterns hold nobody up, whatever they and their target are", () => {
    const { charCodeAt } = String.prototype;
    afterEach(() => {
      String.prototype.charCodeAt = charCodeAt;
    });

    const many = (pattern: string) => Array.from({ length: 1000 }, () => pattern);
    const wild = `**/*a/${"a/*a/".repeat(14)}b`;
    const names = "a/".repeat(4000);

    test.each<[Capability, string, string]>([
      ["tool.call", wild, names],
      ["fs.read", `/${wild}`, `/${names}`],
      ["net.fetch", `https://a.test/${wild}`, `https://a.test/${names}`],
      ["net.fetch", `https://${"*a".repeat(15)}*b/`, `https://${"a".repeat(8000)}/`],
    ])("%s of %s", (capability, pattern, target) => {
      const of = lease({ [capability]: many(pattern) });
      let read = 0;
      // The matcher reads texts with it alone.
      String.prototype.charCodeAt = function (index) {
        read += 1;
        return charCodeAt.call(this, index);
      };
      expect(of.covers(capability, target)).toBe(false);
      expect(read).toBeLessThan(10_000_000);
    });

    test("the last of a thousand realistic patterns is found for the longest possible path", () => {
      const patterns = many("").map((_, n) => `/srv/tenants/${n}/**/*.csv`);
      const of = lease({ "fs.read": ["/srv/tenants/**/*.txt", "/**/raw/*", ...patterns] });
      const path = (tenant: number) => `/srv/tenants/${tenant}/${"name/".repeat(800)}a.csv`;
      expect(of.covers("fs.read", path(999))).toBe(true);
      expect(of.covers("fs.read", path(1000))).toBe(false);
    });
  });

  test("an amount is not a target", () => {
    expect(lease({ "cost.budget": ["USD:1"] }).covers("cost.budget", "USD:1")).toBe(false);
  });

  test("R-9.6-2: the budget is the sum of its entries", () => {
    const { budget } = lease({ "cost.budget": ["USD:0.1", "USD:0.2"] });
    expect([...budget].map(([currency, value]) => [currency, value.toFixed()])).toEqual([
      ["USD", "0.3"],
    ]);
    expect(lease({}).budget.size).toBe(0);
  });
});

describe("R-9.2-3: an invalid pattern is refused by its place, and not quoted", () => {
  test.each<[Lease, string]>([
    [
      { "fs.read": ["/ok", "/a/../b"] },
      "fs.read.1: has a . or .. segment; write it without, such as /srv/data/**",
    ],
    [
      { "fs.write": ["src/**"] },
      "fs.write.0: is relative, but the job has no workspace; write an absolute path",
    ],
    [{ "tool.call": ["a**"] }, "tool.call.0: may have ** only as a whole segment, as in /**/"],
    [{ "model.use": [""] }, "model.use.0: is empty"],
    [{ "x-vendor.acme.x": ["*a".repeat(17)] }, "x-vendor.acme.x.0: has more than 16 wildcards"],
    [{ "cost.budget": ["USD:-1"] }, 'cost.budget.0: is not an amount such as "USD:2.50"'],
    [
      { "net.fetch": ["https://a.test/?x"] },
      'net.fetch.0: has "?", which a URL pattern cannot match',
    ],
    [{ "net.fetch": ["https://a.test/b**"] }, expect.stringContaining("net.fetch.0: ")],
  ])("%j", (json, expected) => {
    expect(problem(json)).toEqual(expected);
  });

  test("R-9.2-1: an unknown namespace", () => {
    const json: Record<string, string[]> = { "fs.delete": ["/a"] };
    expect(problem(json)).toBe("fs.delete: is not a capability");
    expect(problem(JSON.parse('{"__proto__":["/a"]}'))).toBe("__proto__: is not a capability");
    expect(problem(JSON.parse('{"x-vendor.acme":["/a"]}'))).toBe(
      "x-vendor.acme: is not a capability",
    );
  });

  test("R-5.3-6: a long pattern does not make a long message", () => {
    expect(problem({ "tool.call": ["x".repeat(100_000)] })?.length).toBeLessThan(300);
  });

  test("a workspace that is not absolute is the operator's mistake", () => {
    expect(() => compileLease({ "fs.read": ["a"] }, { workspace: "work" })).toThrow(LocalError);
  });
});

test("R-9.1-2: later changes to the request have no effect", () => {
  const patterns = ["/work/**"];
  const request: { "fs.read": string[] } = { "fs.read": patterns };
  const of = lease(request);
  patterns.push("/**");
  expect(of.covers("fs.read", "/etc")).toBe(false);
  expect(of.json).toEqual({ "fs.read": ["/work/**"] });
  expect(() => Object.assign(of.json, { "fs.write": ["**"] })).toThrow(TypeError);
  expect(() => (of.json["fs.read"] as string[]).push("/**")).toThrow(TypeError);
});
