import type { IncomingHttpHeaders } from "node:http";
import { isIPv6 } from "node:net";
import { LocalError } from "@arcp/core";
import { isLoopback } from "./loopback.ts";

/** Which hosts a request may name, and which sites may connect. */
export interface HostRules {
  /**
   * The host names, without port, that a request may name in `Host`. By default only loopback names when the server
   * listens on loopback, and any otherwise.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * The origins, such as `https://app.example`, that a browser's request may come from. By default only those with a
   * loopback name when the server listens on loopback, and any otherwise. A request without `Origin` is not from a page
   * and passes.
   */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** A host name, or an address; a URL takes more for one, such as a wildcard, which no request names. */
const HOST = /^(\[.+\]|[\w-]+(\.[\w-]+)*\.?)$/;

/** What a browser sends; `null` for a page that has none. */
const ORIGIN = /^([a-z][a-z0-9+.-]*:\/\/[^/*]+|null)$/;

/** Whether a request with these headers may upgrade. */
export type HostCheck = (headers: IncomingHttpHeaders, onLoopback: boolean) => boolean;

/**
 * Checks `Host` and `Origin` (R-4.1-9). On loopback a web page could otherwise reach the runtime from its visitor's
 * browser: directly, which `Origin` shows, or through a name of its own that it points at 127.0.0.1, which `Host` shows.
 *
 * @throws LocalError `MISUSE` for an allowed host that is no host name, and for an allowed origin that none can be
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

/** As a browser writes it: in ASCII, and without the port that goes without saying. */
function asSent(origin: string): string {
  const { origin: sent = "null" } = URL.parse(origin) ?? {};
  // No URL tells the origin of a scheme that it does not know, such as that of a browser's extension.
  return sent === "null" ? origin : sent;
}

/** The host of `scheme://host[:port]` without port; undefined for what is anything else or more. */
function hostName(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  if (url.pathname.length > 1 || url.search !== "" || url.hash !== "") return undefined;
  return url.hostname;
}
