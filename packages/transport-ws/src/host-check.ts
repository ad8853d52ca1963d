import type { IncomingHttpHeaders } from "node:http";
import { isIPv6 } from "node:net";
import { LocalError } from "@arcp/core";
import { isLoopback } from "./loopback.ts";

/** Which hosts a request may name, and which sites' pages may connect. */
export interface HostRules {
  /**
   * The host names, without port, that a request may name in `Host`. By default, only loopback names if the server listens on
   * loopback, otherwise any.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * The origins, such as `https://app.example`, that a browser's request may come from. By default, only those with a loopback
   * name if the server listens on loopback, otherwise any. A request without `Origin` does not come from a page, and passes.
   */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** A host name or an address. URLs allow more, such as a wildcard, but no request names that. */
const HOST = /^(\[.+\]|[\w-]+(\.[\w-]+)*\.?)$/;

/** An origin as a browser sends it; `null` for a page without one. */
const ORIGIN = /^([a-z][a-z0-9+.-]*:\/\/[^/*]+|null)$/;

/** Whether a request with these headers may upgrade. */
export type HostCheck = (headers: IncomingHttpHeaders, onLoopback: boolean) => boolean;

/**
 * Checks `Host` and `Origin` (R-4.1-9). Otherwise, a web page could reach a runtime on loopback through its visitor's browser:
 * directly, which `Origin` reveals, or by a domain of its own that resolves to 127.0.0.1, which `Host` reveals.
 *
 * @throws LocalError `MISUSE` for an allowed host that is not a host name, and for an allowed origin that cannot be one
 */
export function hostCheck(rules: HostRules): HostCheck {
  const hosts = rules.allowedHosts?.map((allowed) => {
    const name = hostName(`http://${isIPv6(allowed) ? `[${allowed}]` : allowed}`);
    if (name !== undefined && HOST.test(name)) return name;
    const right = "allowedHosts takes host names, such as agents.example";
    throw new LocalError("MISUSE", `${right}, without a scheme or wildcard: ${allowed}`);
  });
  const origins = rules.allowedOrigins?.map((allowed) => {
    const origin = allowed.toLowerCase().replace(/\/$/, "");
    if (ORIGIN.test(origin)) return asSent(origin);
    const right = "allowedOrigins takes origins, such as https://app.example";
    throw new LocalError("MISUSE", `${right}, without a path or wildcard: ${allowed}`);
  });

  const isHostAllowed = (host: string, onLoopback: boolean): boolean => {
    if (hosts === undefined && !onLoopback) return true;
    const name = hostName(`http://${host}`);
    return name !== undefined && (hosts?.includes(name) ?? isLoopback(name));
  };
  const isOriginAllowed = (origin: string, onLoopback: boolean): boolean =>
    origins?.includes(origin) ?? (!onLoopback || isLoopback(hostName(origin) ?? ""));

  return ({ host = "", origin }, onLoopback) =>
    isHostAllowed(host, onLoopback) &&
    (origin === undefined || isOriginAllowed(origin, onLoopback));
}

/** An origin as a browser writes it: in ASCII, and without the default port. */
function asSent(origin: string): string {
  const { origin: sent = "null" } = URL.parse(origin) ?? {};
  // `URL` has no origin for schemes that it does not know, such as those of browser extensions.
  return sent === "null" ? origin : sent;
}

/** The host of `scheme://host[:port]`, without the port; undefined for anything else. */
function hostName(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  if (url.pathname.length > 1 || url.search !== "" || url.hash !== "") return undefined;
  return url.hostname;
}
