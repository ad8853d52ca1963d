import type { Lease } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { type CompiledLease, compileLease } from "./lease.ts";
import { excess } from "./subset.ts";

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
    expect(excess(lease(parent), lease(child))).toBeUndefined();
  });
});

describe("R-9.4-1: beyond it", () => {
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
    expect(excess(lease(parent), lease(child))).toContain("is not within the parent's lease");
  });

  test("the pattern that goes too far is named", () => {
    const parent = lease({ "fs.read": ["/a/**"] });
    expect(excess(parent, lease({ "fs.read": ["/a/b", "/c/**"] }))).toBe(
      'fs.read pattern "/c/**" is not within the parent\'s lease',
    );
  });
});
