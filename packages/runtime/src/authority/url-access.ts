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
  /** The lease of the job that delegated this one. */
  readonly within?: NamingLease | undefined;
}

/** A URL that the job may fetch now. */
export interface AllowedUrl {
  /** The canonical text, which was checked and is to be fetched. */
  readonly href: string;
  readonly origin: string;
  /** Whether the lease and all those above it name the host, so that it may resolve to a private address. */
  readonly named: boolean;
}

/**
 * Checks a URL, and its address if it contains one instead of a name. Synchronous, so that the caller can dispatch directly
 * afterwards (R-9.3-1).
 *
 * @throws ArcpError the guard's refusal; `PERMISSION_DENIED` also for an address that is not public, unless the lease names it
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
 * Checks the addresses that a name resolves to. A host that the lease names may be one of the operator's own machines, but no name
 * may lead to a cloud's metadata service (R-9.2-7).
 *
 * @returns the refusal; undefined if all addresses are allowed
 */
export function refusalOfAddresses(
  host: string,
  addresses: readonly string[],
  named: boolean,
): ArcpError | undefined {
  const scopes = addresses.map(scopeOf);
  // The address is not shown: the client must not learn what the operator's names resolve to.
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

/** A URL as others may see it: without user information, query and fragment, which may contain secrets. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return "a text that is not an absolute URL";
  const { protocol, host, pathname } = new URL(text);
  return /^https?:$/.test(protocol) ? `${protocol}//${host}${pathname}` : `${protocol}…`;
}

/** Whether all these leases name the host: naming a host that the parent covers by a wildcard extends nothing (R-9.4-1). */
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
