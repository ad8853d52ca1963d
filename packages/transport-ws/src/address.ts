import { LocalError } from "@arcp/core";
import { isLoopback } from "./loopback.ts";

/** Unspecified addresses, found in the `url` of a server that listens on all interfaces. Dialling one stays on this machine. */
const UNSPECIFIED = /^(0\.0\.0\.0|\[::\])$/;

/**
 * Checks an address before it is dialled.
 *
 * @throws LocalError `MISUSE` for anything but a `ws:` or `wss:` URL, and for `ws:` to another machine (R-4.1-5)
 */
export function checkedAddress(url: string | URL, allowInsecure: boolean): URL {
  const address = URL.parse(String(url));
  const fault = faultOf(address);
  if (address === null || fault !== undefined) {
    const right = "dial takes a ws: or wss: URL, such as ws://127.0.0.1:7777/arcp";
    throw new LocalError("MISUSE", `${right}: this one ${fault}`);
  }
  const { protocol, hostname } = address;
  if (
    protocol === "ws:" &&
    !allowInsecure &&
    !isLoopback(hostname) &&
    !UNSPECIFIED.test(hostname)
  ) {
    throw new LocalError(
      "MISUSE",
      `ws: would send the token to ${hostname} in the clear: use wss:, or set allowInsecure`,
    );
  }
  return address;
}

/** Never quotes the URL itself, since it may contain secrets. */
function faultOf(address: URL | null): string | undefined {
  if (address === null) return "is not an absolute URL";
  if (!/^wss?:$/.test(address.protocol)) return `begins with ${address.protocol}`;
  return address.hash === "" ? undefined : "has a fragment";
}
