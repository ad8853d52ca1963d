import { isIP } from "node:net";
import { ArcpError } from "@arcp/core";
import { scopeOf } from "./address.ts";
import { clip } from "./clip.ts";
import type { Guard } from "./guard.ts";
import type { CompiledLease } from "./lease.ts";
import { canonicalUrl, type UrlParts } from "./url.ts";

/** The authority with which a job fetches. */
export interface UrlAccess extends NamingLease {
  readonly guard: Guard;
}

/** A lease that may name hosts. */
interface NamingLease {
  readonly lease: CompiledLease;
  /** The one under which it was delegated. */
  readonly within?: NamingLease | undefined;
}

/** A URL that the job may fetch at this moment. */
export interface AllowedUrl {
  /** The canonical text: what was checked, and what is to be fetched. */
  readonly href: string;
  readonly origin: string;
  /** Whether the lease, and every one above it, names the host: then a private address may be behind the name. */
  readonly named: boolean;
}

/**
 * Checks a URL, and the address that stands in it instead of a name. Synchronous, for whoever dispatches next (R-9.3-1).
 *
 * @throws ArcpError the guard's refusal; `PERMISSION_DENIED` also for an address that is not public, unless the lease
 *   names it
 */
export function allowedUrl(access: UrlAccess, text: string): AllowedUrl {
  const { guard, lease } = access;
  const shown = clip(shownUrl(text));
  const refusal = guard.standing(`net.fetch on ${shown}`);
  if (refusal !== undefined) throw refusal;
  const url = canonicalUrl(text);
  if (!url.ok) {
    const what = URL.canParse(text) ? ` on ${shown}` : "";
    throw denied(`net.fetch${what} is refused: the URL ${url.problem}`);
  }
  const { parts, href, origin } = url;
  if (!lease.coversUrl(parts)) throw guard.denied("net.fetch", shown);
  const named = namesUrl(access, parts);
  const address = addressIn(parts);
  if (address !== undefined && !named && scopeOf(address) !== "public") {
    throw denied(
      `net.fetch does not cover ${shown}, which is not a public address: a pattern has to name the address, without a wildcard`,
    );
  }
  return { href, origin, named };
}

/**
 * Which of the addresses behind a name a job may reach. What a lease names may be an operator's own machine; nobody means
 * the metadata service of a cloud by any name (R-9.2-7).
 *
 * @returns why none of them, undefined when all may be reached
 */
export function refusalOfAddresses(
  host: string,
  addresses: readonly string[],
  named: boolean,
): ArcpError | undefined {
  const scopes = addresses.map(scopeOf);
  // The address is not told: what the operator's names mean is not the client's to know.
  if (scopes.includes("reserved")) {
    return denied(
      `net.fetch does not cover ${clip(host)}, behind which is a link-local or reserved address: URL and pattern have to name the address itself`,
    );
  }
  if (named || !scopes.includes("private")) return undefined;
  return denied(
    `net.fetch does not cover ${clip(host)}, behind which is a private address: a pattern has to name the host, without a wildcard`,
  );
}

/** A URL as others may see it: without user information, query and fragment, in which secrets stand. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return "a text that is not an absolute URL";
  const { protocol, host, pathname } = new URL(text);
  return /^https?:$/.test(protocol) ? `${protocol}//${host}${pathname}` : `${protocol}…`;
}

/** Whether every one of the leases names the host: to name what is covered by a wildcard reaches no further (R-9.4-1). */
function namesUrl({ lease, within }: NamingLease, parts: UrlParts): boolean {
  return lease.namesUrl(parts) && (within === undefined || namesUrl(within, parts));
}

function addressIn({ host }: UrlParts): string | undefined {
  const bare = host.replace(/^\[|\]$/g, "");
  return isIP(bare) === 0 ? undefined : bare;
}

function denied(message: string): ArcpError {
  return new ArcpError("PERMISSION_DENIED", message);
}
