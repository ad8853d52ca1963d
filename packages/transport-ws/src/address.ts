import { LocalError } from "@arcp/core";
import { isLoopback } from "./loopback.ts";

/**
 * What may be dialled.
 *
 * @throws LocalError `MISUSE` for what is no `ws:` or `wss:` URL, and for `ws:` to another machine (R-4.1-5)
 */
export function checkedAddress(url: string | URL, allowInsecure: boolean): URL {
  const address = URL.parse(String(url));
  if (address === null || !/^wss?:$/.test(address.protocol) || address.hash !== "") {
    throw new LocalError("MISUSE", "dial takes a ws: or wss: URL without fragment");
  }
  if (address.protocol === "ws:" && !allowInsecure && !isLoopback(address.hostname)) {
    throw new LocalError(
      "MISUSE",
      `ws: would send the token to ${address.hostname} in the clear: use wss:, or set allowInsecure`,
    );
  }
  return address;
}
