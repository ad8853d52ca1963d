import { expect, test } from "vitest";
import { features, negotiate, REQUEST_ID_FEATURE } from "./feature.ts";
import { isVendorName } from "./vendor-name.ts";

test("section 6.2: there are exactly the eleven features", () => {
  expect([...features].sort()).toEqual([
    "ack",
    "agent_versions",
    "cost.budget",
    "heartbeat",
    "lease_expires_at",
    "list_jobs",
    "model.use",
    "progress",
    "provisioned_credentials",
    "result_chunk",
    "subscribe",
  ]);
});

test("R-6.2-2: the effective set is the intersection, in our order", () => {
  expect(negotiate(["ack", "heartbeat", "subscribe"], ["subscribe", "ack", "progress"])).toEqual([
    "ack",
    "subscribe",
  ]);
  expect(negotiate(["ack"], [])).toEqual([]);
  expect(negotiate([], ["ack"])).toEqual([]);
});

test("R-6.2-3: names that one side does not know are dropped, including those that every object inherits", () => {
  const theirs = ["ack", "teleport", "constructor", "__proto__", "", "ACK", "x-vendor.acme.x"];
  expect(negotiate(features, theirs)).toEqual(["ack"]);
});

test("R-D-6: our mark is a vendor name, and is negotiated when both sides have it", () => {
  expect(isVendorName(REQUEST_ID_FEATURE)).toBe(true);
  expect(negotiate([...features, REQUEST_ID_FEATURE], [REQUEST_ID_FEATURE])).toEqual([
    "x-vendor.arcp-ts.request_id",
  ]);
});
