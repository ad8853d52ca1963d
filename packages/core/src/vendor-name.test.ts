import { expect, test } from "vitest";
import { isVendorName } from "./vendor-name.ts";

test.each([
  "x-vendor.acme.confidence",
  "x-vendor.acme.a.b.c",
  "x-vendor.a-b_c.0",
  "x-vendor.opentelemetry.tracecontext",
])("R-15-1: %s is a vendor name", (name) => {
  expect(isVendorName(name)).toBe(true);
});

test.each([
  "",
  "x-vendor",
  "x-vendor.",
  "x-vendor.acme",
  "x-vendor.acme.",
  "x-vendor..x",
  "x-vendor.acme..x",
  "x-vendor.Acme.x",
  "X-Vendor.acme.x",
  "x-vendor.acme.x y",
  "x-vendor.acme.x\n",
  "x-acme.x",
  "ax-vendor.acme.x",
  "x-vendorXacme.x",
])("R-15-1: %j is not a vendor name", (name) => {
  expect(isVendorName(name)).toBe(false);
});

test("R-14-2: a long name that is wrong only at its end is refused quickly", () => {
  expect(isVendorName(`x-vendor${".a".repeat(500_000)}!`)).toBe(false);
});
