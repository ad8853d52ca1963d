import type { Lease } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { excessOf } from "../../test/compared.ts";
import { type CompiledLease, compileLease } from "./lease.ts";
import { excess, widening } from "./subset.ts";

function lease(json: Lease, workspace = "/work"): CompiledLease {
  const outcome = compileLease(json, { workspace });
  if (!outcome.ok) throw new Error(outcome.problem);
  return outcome.lease;
}

describe("R-9.4-2: within the parent's lease", () => {
  test.each<[Lease, Lease]>([
    [{}, {}],
    [{ "fs.read": ["/a/**"] }, {}],
    [{ "fs.read": ["/a/**"] }, { "fs.read": [] }],
    [{ "fs.read": ["/a/**"] }, { "fs.read": ["/a/b/**", "/a/x"] }],
    [{ "fs.read": ["/work/src/**"] }, { "fs.read": ["src/lib/*"] }],
    [{ "fs.read": ["**"] }, { "fs.read": ["/**", "**"] }],
    [{ "net.fetch": ["https://*.acme.test/**"] }, { "net.fetch": ["https://eu.acme.test/v2/*"] }],
    [{ "net.fetch": ["https://**"] }, { "net.fetch": ["https://a.test:8443/x", "https://**"] }],
    [{ "net.fetch": ["**"] }, { "net.fetch": ["http://**", "**"] }],
    [{ "agent.delegate": ["pdf-*"] }, { "agent.delegate": ["pdf-render", "pdf-*@2.*"] }],
    [{ "agent.delegate": ["pdf-*@2.*"] }, { "agent.delegate": ["pdf-render@2.4.0"] }],
    [{ "tool.call": ["ocr.*"] }, { "tool.call": ["ocr.page"] }],
    [{ "model.use": ["mistral/*"] }, { "model.use": ["mistral/small-*"] }],
    [{ "x-vendor.acme.print": ["**"] }, { "x-vendor.acme.print": ["lobby/2"] }],
    [{ "cost.budget": ["USD:1"] }, { "cost.budget": ["USD:2"] }],
  ])("%j takes %j", (parent, child) => {
    expect(excessOf(lease(parent), lease(child))).toBeUndefined();
  });
});

describe("R-9.4-1: beyond the parent's lease", () => {
  test.each<[Lease, Lease]>([
    [{}, { "fs.read": ["/a"] }],
    [{ "fs.read": ["/a/**"] }, { "fs.write": ["/a/b"] }],
    [{ "fs.read": ["/a/*"] }, { "fs.read": ["/a/**"] }],
    [{ "fs.read": ["/work/**"] }, { "fs.read": ["/work-evil/**"] }],
    [{ "fs.read": ["/a/**", "/b/**"] }, { "fs.read": ["/a/x", "/c"] }],
    [{ "tool.call": ["a*"] }, { "tool.call": ["*"] }],
    [{ "agent.delegate": ["pdf-*@2.*"] }, { "agent.delegate": ["pdf-*"] }],
    [{ "agent.delegate": ["pdf-*"] }, { "agent.delegate": ["p*@2"] }],
    [{ "net.fetch": ["https://acme.test/**"] }, { "net.fetch": ["https://*.test/**"] }],
    [{ "net.fetch": ["https://acme.test/**"] }, { "net.fetch": ["http://acme.test/**"] }],
    [{ "net.fetch": ["https://acme.test/**"] }, { "net.fetch": ["https://acme.test:*/**"] }],
    [{ "net.fetch": ["https://acme.test/**"] }, { "net.fetch": ["https://**"] }],
    [{ "net.fetch": ["https://**"] }, { "net.fetch": ["**"] }],
    [{ "net.fetch": ["https://acme.test/a/**"] }, { "net.fetch": ["https://acme.test/**"] }],
    [{ "model.use": ["mistral/*"] }, { "model.use": ["mistral/**"] }],
  ])("%j does not take %j", (parent, child) => {
    expect(excessOf(lease(parent), lease(child))).toContain("is not within the parent's lease");
  });

  test.each<[Lease, Lease, string]>([
    [
      { "fs.read": ["/a/**"] },
      { "fs.read": ["/a/b", "/c/**"] },
      'fs.read pattern "/c/**" is not within the parent\'s lease: it also allows "/c"',
    ],
    [
      { "net.fetch": ["https://*.acme.test/v2/**"] },
      { "net.fetch": ["https://*.test/v2/**"] },
      'net.fetch pattern "https://*.test/v2/**" is not within the parent\'s lease: it also allows "https://.test/v2"',
    ],
    [
      { "agent.delegate": ["pdf-*@2.*"] },
      { "agent.delegate": ["pdf-*"] },
      'agent.delegate pattern "pdf-*" is not within the parent\'s lease: it also allows "pdf-"',
    ],
    // Each of its targets is within one of two patterns, but no single pattern covers them all.
    [
      { "net.fetch": ["http://**", "https://**"] },
      { "net.fetch": ["**"] },
      'net.fetch pattern "**" is not within the parent\'s lease',
    ],
    [{}, { "tool.call": ["*"] }, 'tool.call pattern "*" is not within the parent\'s lease'],
  ])(
    "the refusal names the excess, with a target that it would allow: %j, %j",
    (parent, child, message) => {
      expect(excessOf(lease(parent), lease(child))).toBe(message);
    },
  );

  test("a pattern that no target can match is within every lease", () => {
    const none = lease({
      "agent.delegate": ["PDF-*", "a@b@*"],
      "net.fetch": ["https://*.0x1/**"],
    });
    const some = lease({ "agent.delegate": ["x"], "net.fetch": ["https://acme.test"] });
    expect(excessOf(some, none)).toBeUndefined();
  });

  test("R-9.2-4: leases of many patterns are compared quickly, whatever they are", () => {
    const many = (text: string) =>
      Array.from({ length: 120 }, (_, n) => `${`*${text}`.repeat(12)}*${n}`);
    const hard = excessOf(
      lease({ "tool.call": many("aaab") }),
      lease({ "tool.call": [...many("aaab"), ...many("aab")] }),
    );
    expect(hard).toContain("is not within the parent's lease");
  });

  test("J4: the search for an obvious inclusion among many patterns of the parent takes several steps", () => {
    const parent = Array.from({ length: 1000 }, (_, i) => `tool${i}.*`);
    const comparison = excess(
      lease({ "tool.call": parent }),
      lease({ "tool.call": ["tool999.page"] }),
    );
    expect([...comparison].length).toBeGreaterThan(10);
  });

  test.each<[string, (index: number) => string]>([
    ["tool.call", (index) => `tool${index}.*`],
    ["fs.read", (index) => `data/${index}/**`],
    ["net.fetch", (index) => `https://host${index}.acme.test/**`],
  ])(
    "J4: %s: a lease that is handed on unchanged takes one step per pattern",
    (namespace, text) => {
      const json = { [namespace]: Array.from({ length: 1000 }, (_, index) => text(index)) };
      expect(excessOf(lease(json), lease(json))).toBeUndefined();
      expect([...excess(lease(json), lease(json))]).toHaveLength(1000);
    },
  );

  test("equal texts that belong to different workspaces are not the same pattern", () => {
    const [here, there] = ["/work", "/other"].map((workspace) =>
      lease({ "fs.read": ["src/**"] }, workspace),
    );
    if (here === undefined || there === undefined) throw new Error("unreachable");
    expect(excessOf(here, there)).toContain('it also allows "/other/src"');
  });

  test("J4: deciding against each of the parent's patterns takes one step per pattern", () => {
    const parent = Array.from({ length: 50 }, (_, n) => `*a*b${n}`);
    const comparison = excess(lease({ "tool.call": parent }), lease({ "tool.call": ["*a*b*"] }));
    expect([...comparison]).toHaveLength(51);
  });
});

test("R-7.1-3: what a policy grants beyond the request is reported as beyond the request, not a parent's lease", () => {
  const comparison = widening(lease({ "model.use": ["a"] }), lease({ "model.use": ["b"] }));
  let step = comparison.next();
  while (step.done !== true) step = comparison.next();
  expect(step.value).toBe(
    'model.use pattern "b" is not within the requested lease: it also allows "b"',
  );
});
