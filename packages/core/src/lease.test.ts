import { expect, test } from "vitest";
import { capabilities, EffectiveLease, isCapability } from "./lease.ts";
import { LeaseRequest } from "./lease-request.ts";

test("section 9.2: there are exactly the seven reserved namespaces", () => {
  expect([...capabilities].sort()).toEqual(
    [
      "fs.read",
      "fs.write",
      "net.fetch",
      "tool.call",
      "agent.delegate",
      "model.use",
      "cost.budget",
    ].sort(),
  );
});

test.each([...capabilities, "x-vendor.acme.gpu"])("R-9.2-1: %s is a capability", (name) => {
  expect(isCapability(name)).toBe(true);
  expect(LeaseRequest.safeParse({ [name]: ["a"] }).success).toBe(true);
});

test.each(["fs", "fs.delete", "FS.READ", "x-vendor.acme", "constructor", "toString"])(
  "R-9.2-1: a request with the namespace %j is refused by name",
  (name) => {
    const { error } = LeaseRequest.safeParse({ "fs.read": ["a"], [name]: ["a"] });
    expect(error?.issues[0]?.path).toEqual([name]);
    // A client does not refuse what a runtime granted.
    expect(EffectiveLease.safeParse({ [name]: ["a"] }).success).toBe(true);
  },
);

test.each(["", "Bearer s3cret", "a\nb", "x".repeat(65)])(
  "R-5.3-6, R-9.2-1: a namespace like %j is refused, and the reason does not repeat it",
  (name) => {
    for (const patterns of [["a"], "malformed"]) {
      const { error } = LeaseRequest.safeParse({ [name]: patterns });
      expect(error?.issues).toMatchObject([
        { path: [], message: expect.stringContaining("not a capability") },
      ]);
    }
  },
);

test("R-5.2-6, R-9.2-1: __proto__ in a lease is a namespace like any other, and an unknown one", () => {
  const lease: unknown = JSON.parse('{"__proto__":["/**"]}');
  expect(LeaseRequest.safeParse(lease).error?.issues[0]?.path).toEqual(["__proto__"]);
  const granted = EffectiveLease.parse(lease);
  expect(Object.getPrototypeOf(granted)).toBe(Object.prototype);
  expect(Object.hasOwn(granted, "__proto__")).toBe(true);
  expect(LeaseRequest.safeParse(JSON.parse('{"__proto__":{"fs.read":["/**"]}}')).success).toBe(
    false,
  );
});

test.each([
  ["a string", "fs.read"],
  ["an array", ["fs.read"]],
  ["a number", 1],
  ["a pattern that is no array", { "fs.read": "/**" }],
  ["a pattern that is no string", { "fs.read": ["/a", 5] }],
  ["an empty pattern", { "fs.read": [""] }],
  ["null in the place of patterns", { "fs.read": null }],
  ["an object of patterns", { "fs.read": { 0: "/**", length: 1 } }],
])("R-9.1-1: %s is not a lease", (_, lease) => {
  expect(LeaseRequest.safeParse(lease).success).toBe(false);
  expect(EffectiveLease.safeParse(lease).success).toBe(false);
});

test("R-9.1-1: an empty lease and an empty namespace are leases that grant nothing", () => {
  for (const lease of [{}, { "fs.read": [] }]) {
    expect(LeaseRequest.parse(lease)).toEqual(lease);
    expect(EffectiveLease.parse(lease)).toEqual(lease);
  }
});

test("R-9.1-1: a missing granted lease grants nothing", () => {
  expect(EffectiveLease.parse(undefined)).toEqual({});
  expect(EffectiveLease.parse(null)).toEqual({});
});
