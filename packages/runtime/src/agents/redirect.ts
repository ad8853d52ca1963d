import type { BodyInit } from "undici";

/** One request of the chain that a fetch makes. */
export interface Hop {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: BodyInit | null;
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const HEADERS_OF_A_BODY = [
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
  "content-length",
];
/** Meant for the original server only, not for any other that it redirects to. */
const HEADERS_FOR_AN_ORIGIN = ["authorization", "cookie", "proxy-authorization"];

/** The `Location` of a redirect; undefined for any other response. */
export function locationOf({ status, headers }: Response): string | undefined {
  return REDIRECTS.includes(status) ? (headers.get("location") ?? undefined) : undefined;
}

/**
 * The request that follows a redirect, by the rules of the Fetch standard ("HTTP-redirect fetch").
 *
 * @throws TypeError if the location is not a URL, or a body that is a stream would have to be sent again
 */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  const from = new URL(hop.url);
  if (!URL.canParse(location, hop.url))
    throw new TypeError("redirected to something that is not a URL");
  const to = new URL(location, from);
  const rest = new Headers([...hop.headers]);
  const method = hop.method.toUpperCase();
  const asGet =
    status === 303
      ? method !== "GET" && method !== "HEAD"
      : (status === 301 || status === 302) && method === "POST";
  if (!asGet && isStream(hop.body)) {
    throw new TypeError(`redirected by a ${status}, but a streamed body cannot be sent again`);
  }
  if (asGet) for (const name of HEADERS_OF_A_BODY) rest.delete(name);
  if (to.origin !== from.origin) for (const name of HEADERS_FOR_AN_ORIGIN) rest.delete(name);
  return asGet
    ? { url: to.href, method: "GET", headers: rest, body: null }
    : { ...hop, url: to.href, headers: rest };
}

function isStream(body: Hop["body"]): boolean {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
