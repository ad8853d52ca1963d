import type { Effort } from "./effort.ts";
import { compileGlob, Glob, type GlobOutcome, MAX_TARGET } from "./glob.ts";
import { ANY_SEGMENTS, isLiteral } from "./segment.ts";

/** The parts of a URL that are compared with patterns. */
export interface UrlParts {
  readonly scheme: string;
  /** In lower case, without a trailing dot; an IPv6 address in brackets. */
  readonly host: string;
  /** In digits, even the default port. */
  readonly port: string;
  /** With its leading slash; escapes only where necessary, in upper case. */
  readonly path: string;
}

/** A URL that may be compared and fetched, or why there is none. */
export type UrlOutcome =
  | {
      readonly ok: true;
      readonly parts: UrlParts;
      /** The part of `href` before the path. */
      readonly origin: string;
      /** The canonical URL to fetch, with the query and without a fragment. */
      readonly href: string;
    }
  | { readonly ok: false; readonly problem: string };

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ["http", "80"],
  ["https", "443"],
]);

/** The most characters of a URL, most of which may be its query. */
const MAX_LENGTH = 65_536;

/** Parses a URL by the WHATWG algorithm and makes it canonical (R-9.2-8, R-9.2-9). The query is not compared. */
export function canonicalUrl(text: string): UrlOutcome {
  if (text.length > MAX_LENGTH) {
    return { ok: false, problem: `is longer than ${MAX_LENGTH} characters` };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return { ok: false, problem: "is not an absolute URL" };
  const scheme = url.protocol.slice(0, -1);
  const defaultPort = DEFAULT_PORTS.get(scheme);
  if (defaultPort === undefined)
    return { ok: false, problem: "must begin with http:// or https://" };
  if (url.username !== "" || url.password !== "") {
    return { ok: false, problem: "must not carry user information" };
  }
  const path = canonicalEscapes(url.pathname);
  if (path === undefined) return { ok: false, problem: "must not have an escaped /, \\ or NUL" };
  const host = url.hostname.replace(/\.$/, "");
  if (host === "" || host.endsWith(".")) return { ok: false, problem: "has no valid host" };
  const port = url.port === "" ? defaultPort : url.port;
  const shownPort = url.port === "" ? "" : `:${port}`;
  const origin = `${scheme}://${host}${shownPort}`;
  const href = `${origin}${path}${url.search}`;
  return { ok: true, parts: { scheme, host, port, path }, origin, href };
}

/** A compiled URL pattern. The parts are matched separately, so that no trick in one can affect another (R-9.2-10). */
export class UrlGlob {
  /** The pattern as written. */
  readonly text: string;
  /** Undefined for any scheme. */
  readonly scheme: string | undefined;
  /** Undefined for any host, port and path. */
  readonly rest: { readonly host: Glob; readonly port: Glob; readonly path: Glob } | undefined;

  constructor(text: string, scheme: string | undefined, rest: UrlGlob["rest"]) {
    this.text = text;
    this.scheme = scheme;
    this.rest = rest;
  }

  /** Whether it names its host without a wildcard. */
  get namesHost(): boolean {
    return this.rest?.host.segments.every(isLiteral) ?? false;
  }

  matches({ scheme, host, port, path }: UrlParts, effort?: Effort): boolean {
    if (this.scheme !== undefined && this.scheme !== scheme) return false;
    if (this.rest === undefined) return true;
    const { rest } = this;
    const isThere = rest.host.matches(host, effort) && rest.port.matches(port, effort);
    return isThere && rest.path.matches(path, effort);
  }
}

/** A compiled pattern, or what is wrong with it. */
export type UrlGlobOutcome =
  | { readonly ok: true; readonly glob: UrlGlob }
  | { readonly ok: false; readonly problem: string };

const FORM = /^(https?):\/\/(\[[^\]/]*\]|[^:/[\]]*)(?::([^/]*))?(\/.*)?$/is;

/** Compiles a pattern over URLs (R-9.2-10). */
export function compileUrlGlob(pattern: string): UrlGlobOutcome {
  const whole = compileGlob(pattern);
  if (!whole.ok) return whole;
  if (pattern === ANY_SEGMENTS)
    return { ok: true, glob: new UrlGlob(pattern, undefined, undefined) };
  // URL parsers remove control characters and join the text around them.
  const banned = /[?#@\\\s\p{Cc}]/u.exec(pattern)?.[0];
  if (banned !== undefined) {
    return {
      ok: false,
      problem: `has ${JSON.stringify(banned)}, which a URL pattern cannot match`,
    };
  }
  const [, scheme = "", authority = "", port, path] = FORM.exec(pattern) ?? [];
  if (scheme === "") return { ok: false, problem: "must begin with http:// or https://" };
  const lower = scheme.toLowerCase();
  if (authority === ANY_SEGMENTS && port === undefined && path === undefined) {
    return { ok: true, glob: new UrlGlob(pattern, lower, undefined) };
  }
  const host = compileHost(authority);
  if (!host.ok) return host;
  const ports = compilePort(port ?? DEFAULT_PORTS.get(lower) ?? "");
  if (!ports.ok) return ports;
  const paths = compilePath(path ?? "/");
  if (!paths.ok) return paths;
  const rest = { host: host.glob, port: ports.glob, path: paths.glob };
  return { ok: true, glob: new UrlGlob(pattern, lower, rest) };
}

function compileHost(text: string): GlobOutcome {
  const written = text.toLowerCase();
  if (written === "" || written.includes("**")) {
    return { ok: false, problem: "must name a host, in which ** is not allowed" };
  }
  const isWild = written.includes("*");
  if (isWild && !/^[a-z0-9*._-]+$/.test(written)) {
    return {
      ok: false,
      problem: "may have wildcards only in a host of ASCII letters, digits, . - and _",
    };
  }
  // A name in another script, or an IPv4 address in octal, is compared as URL parsers read it.
  const url = `http://${written}/`;
  const read = isWild ? written : URL.canParse(url) ? new URL(url).hostname : "";
  const host = read.replace(/\.$/, "");
  // A character that URL parsers turn into an asterisk would become an unintended wildcard.
  if (host === "" || host.endsWith(".") || (!isWild && host.includes("*"))) {
    return { ok: false, problem: "has no valid host" };
  }
  return compileGlob(host);
}

function compilePort(text: string): GlobOutcome {
  if (text === "*") return compileGlob("*");
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    return { ok: false, problem: "must have a port from 0 to 65535, or *" };
  }
  return compileGlob(String(port));
}

function compilePath(text: string): GlobOutcome {
  const path = canonicalEscapes(text.replace(/[^\w.~*%/-]/gu, escapeCharacter));
  if (path === undefined) return { ok: false, problem: "must not have an escaped /, \\ or NUL" };
  const dotted = path.split("/").some((segment) => segment === "." || segment === "..");
  if (dotted) return { ok: false, problem: "has a . or .. segment" };
  // It is measured as it was written: escaped, a character may be twelve.
  const compiled = compileGlob(path, MAX_TARGET);
  return compiled.ok ? { ok: true, glob: new Glob(text, compiled.glob.segments) } : compiled;
}

const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/** @returns undefined if a `/`, a `\` or NUL is escaped, which implementations read differently */
function canonicalEscapes(path: string): string | undefined {
  if (/%(?:2f|5c|00)/i.test(path)) return undefined;
  // Escape a `%` that begins no escape, so that it cannot form one with a character decoded after it.
  return path.replace(/%(?![0-9a-f]{2})/gi, "%25").replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return UNRESERVED.test(character) ? character : escaped.toUpperCase();
  });
}

/** Escapes a character as the path of a parsed URL does. */
function escapeCharacter(character: string): string {
  return new URL(`http://host/${character}`).pathname.slice(1);
}
