import { expect, test } from "vitest";
import { type Peer, sourceOf } from "./peer.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::FFFF:c000:0207", "192.0.2.7"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:DB8:0:0:ffff:1:2:3", "2001:db8:0:0::/64"],
  ["2001:0db8:0000:0001::", "2001:db8:0:1::/64"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4::/64"],
  ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["gateway-7", "gateway-7"],
  ["", undefined],
])("R-6.1-6: the address %j counts as %j", (address, source) => {
  expect(sourceOf({ address })).toBe(source);
});

test("R-6.1-6: nothing is known of a transport without a peer", () => {
  expect(sourceOf(undefined)).toBeUndefined();
});

test("R-6.1-6: peers whose proxy reports no address count as one source, and cause no error", () => {
  const peer: object = { address: undefined };
  expect(sourceOf(peer as Peer)).toBe("undefined");
});
