import { BlockList, isIPv4 } from "node:net";

/**
 * What may be behind an IP address: any host on the internet; one of the operator's own machines; or, for link-local, reserved and
 * multicast addresses, the network itself, such as a cloud's metadata service.
 */
export type AddressScope = "public" | "private" | "reserved";

const PRIVATE_V4 = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
];
const RESERVED_V4 = [
  "0.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  // Metadata services at inconspicuous addresses: Alibaba's, and Azure's in the middle of the internet.
  "100.100.100.200/32",
  "168.63.129.16/32",
];
const PRIVATE_V6 = ["::1/128", "fc00::/7"];
/** The only block assigned for the internet. */
const ASSIGNED_V6 = ["2000::/3"];
const RESERVED_V6 = [
  // Protocol assignments, including Teredo and benchmarking; documentation; 6to4, which leads to any IPv4 address.
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  // Metadata services of Amazon and Google, among the private addresses.
  "fd00:ec2::254/128",
  "fd20:ce::254/128",
];
/** Prefixes that embed an IPv4 address, to which packets are then delivered: IPv4-mapped, and NAT64. */
const EMBEDDING_V6 = ["::ffff:", "64:ff9b::"];

const privates = blocks(PRIVATE_V4, PRIVATE_V6);
const reserved = blocks(RESERVED_V4, RESERVED_V6);
const assigned = blocks([], ASSIGNED_V6);
const embedding = blocks(
  [],
  EMBEDDING_V6.map((prefix) => `${prefix}0:0/96`),
);

/** The scope of an IP address; `reserved` for anything else. */
export function scopeOf(address: string): AddressScope {
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  if (reserved.check(address, family)) return "reserved";
  if (privates.check(address, family)) return "private";
  if (family === "ipv4") return "public";
  return assigned.check(address, family) || embedding.check(address, family)
    ? "public"
    : "reserved";
}

/** Builds a list of blocks, adding each IPv4 block also where it is embedded in IPv6 addresses. */
function blocks(v4: readonly string[], v6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of v4) {
    const [network = "", length] = block.split("/");
    list.addSubnet(network, Number(length), "ipv4");
    for (const prefix of EMBEDDING_V6) {
      list.addSubnet(`${prefix}${network}`, 96 + Number(length), "ipv6");
    }
  }
  for (const block of v6) {
    const [network = "", length] = block.split("/");
    list.addSubnet(network, Number(length), "ipv6");
  }
  return list;
}
