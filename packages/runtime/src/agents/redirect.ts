import type { BodyInit } from "undici";

/** One request of those that a fetch makes. */
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
/** They are meant for whoever the agent asked, and for nobody that this one names. */
const HEADERS_FOR_AN_ORIGIN = ["authorization", "cookie", "proxy-authorization"];

/** Where a response leads to, as it says it; undefined when it is no redirect. */
export function locationOf({ status, headers }: Response): string | undefined {
  return REDIRECTS.includes(status) ? (headers.get("location") ?? undefined) : undefined;
}

/**
 * The request that a redirect asks for, by the rules of the Fetch standard ("HTTP-redirect fetch").
 *
 * @throws TypeError when it leads to what is no URL, or asks once more for a body that is a stream
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
