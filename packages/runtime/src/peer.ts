import { isIPv6 } from "node:net";
import type { Profile } from "./dialect/profile.ts";

/** What is known about the other end of a transport. What `@arcp/transport-ws` passes on has this form. */
export interface Peer {
  /** Its IP address, or anything else that distinguishes sources; empty if there is nothing. */
  readonly address: string;
  /** Whether what is sent to it is encrypted. The operator may say so, also if the encryption ends at a proxy (R-4.1-5). */
  readonly secure?: boolean | undefined;
  /** Whether it runs on this machine. */
  readonly loopback?: boolean | undefined;
  /**
   * The bearer token that came with the connection, as in an HTTP header, for an opening message that carries none. A
   * function, so that printing a peer does not print the token (R-6.1-5).
   */
  readonly bearer?: (() => string) | undefined;
  /**
   * In which forms it is answered: those of the draft, or those of the SDK that this listener's clients are made with. To be set if
   * opening messages do not tell: it takes precedence over them (R-D-2).
   */
  readonly dialect?: Profile | undefined;
}

/** Whether secrets may be sent to the peer (R-4.1-5, R-9.8-1). Never to an unknown one. */
export function isConfidential(peer: Peer | undefined): boolean {
  return peer?.secure === true || peer?.loopback === true;
}

/**
 * The source that an address counts as: an IPv4 address itself; for an IPv6 address its /64, which one machine commonly owns
 * entirely. Any other text is taken unchanged.
 * @returns undefined if nothing is known
 */
export function sourceOf(peer: Peer | undefined): string | undefined {
  if (peer === undefined) return undefined;
  // If a proxy did not set its header, the address is not a string. All such peers count as one source.
  const address = String(peer.address).replace(/%.*$/, "").toLowerCase();
  if (address === "") return undefined;
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const [g5, high = 0, low = 0] = groups.slice(5);
  if (g5 === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return [high >>> 8, high & 0xff, low >>> 8, low & 0xff].join(".");
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = [], tail] = address.split("::").map(read);
  if (tail === undefined) return head;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail];
}

/** Parses some groups, of which the last two may be written as an IPv4 address. */
function read(part: string): number[] {
  return part.split(":").flatMap((group) => {
    if (group === "") return [];
    const [a, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    const dotted = a !== undefined && group.includes(".");
    return dotted ? [a * 256 + b, c * 256 + d] : [Number.parseInt(group, 16)];
  });
}
