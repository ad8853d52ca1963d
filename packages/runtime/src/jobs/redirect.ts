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

/**
 * The request that a redirect asks for, by the rules of the Fetch standard ("HTTP-redirect fetch").
 *
 * @returns undefined when the response is no redirect, or does not say where to
 * @throws TypeError when it leads to what is no URL, or asks once more for a body that is a stream
 */
export function nextHop(hop: Hop, { status, headers }: Response): Hop | undefined {
  const location = headers.get("location");
  if (location === null || !REDIRECTS.includes(status)) return undefined;
  const from = new URL(hop.url);
  if (!URL.canParse(location, hop.url)) throw new TypeError("redirected to what is no URL");
  const to = new URL(location, from);
  const rest = new Headers([...hop.headers]);
  const method = hop.method.toUpperCase();
  const asGet =
    status === 303
      ? method !== "GET" && method !== "HEAD"
      : (status === 301 || status === 302) && method === "POST";
  if (!asGet && isStream(hop.body)) {
    throw new TypeError(
      `redirected by a ${status}, and a body that is a stream cannot be sent again`,
    );
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
