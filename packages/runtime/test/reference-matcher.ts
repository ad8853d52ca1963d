import type { Capability } from "@arcp/core";

// Section 9.2 once more, straight from its tables and rules, as slow as necessary, and without any of the code under test.

/** What a lease with this one pattern says of a target: whether it covers it, or that the pattern is invalid. */
export type Verdict = "covers" | "does not cover" | "no pattern";

export function verdictOf(
  capability: Capability,
  pattern: string,
  target: string,
  workspace?: string,
): Verdict {
  const matcher = matcherOf(capability, pattern, workspace);
  if (matcher === undefined) return "no pattern";
  return matcher(target) ? "covers" : "does not cover";
}

type Matcher = (target: string) => boolean;

function matcherOf(
  capability: Capability,
  pattern: string,
  workspace: string | undefined,
): Matcher | undefined {
  if (!isPattern(pattern)) return undefined;
  switch (capability) {
    case "fs.read":
    case "fs.write":
      return pathMatcher(pattern, workspace);
    case "net.fetch":
      return urlMatcher(pattern);
    case "agent.delegate":
      return (target) => {
        const [name = "", version] = target.split("@");
        return isAgent(target) && matches(pattern, pattern.includes("@") ? target : name)
          ? version !== undefined || !pattern.includes("@")
          : false;
      };
    default:
      return (target) => matches(pattern, target);
  }
}

/** R-9.2-3 and the second table. */
function isPattern(pattern: string): boolean {
  const wildcards = pattern
    .split("/")
    .map((segment) => (segment === "**" ? 1 : segment.split("*").length - 1));
  return (
    pattern !== "" &&
    [...pattern].length <= 1024 &&
    wildcards.reduce((sum, n) => sum + n, 0) <= 16 &&
    pattern.split("/").every((segment) => segment === "**" || !segment.includes("**"))
  );
}

function isAgent(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,127}(@[A-Za-z0-9.+_-]{1,64})?$/.test(text);
}

/** The second table, over literal text. */
export function matches(pattern: string, target: string): boolean {
  return matchesSegments(pattern.split("/"), target.split("/"));
}

function matchesSegments(pattern: readonly string[], target: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return target.length === 0;
  if (first === "**") {
    const ends = Array.from({ length: target.length + 1 }, (_, n) => n);
    return ends.some((n) => matchesSegments(rest, target.slice(n)));
  }
  const [segment, ...others] = target;
  if (segment === undefined) return false;
  const fits = first === "*" ? segment !== "" : matchesSegment(first, segment);
  return fits && matchesSegments(rest, others);
}

function matchesSegment(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") {
    const rest = pattern.slice(1);
    return Array.from({ length: text.length + 1 }, (_, n) => n).some((n) =>
      matchesSegment(rest, text.slice(n)),
    );
  }
  return text[0] === pattern[0] && matchesSegment(pattern.slice(1), text.slice(1));
}

/** R-9.2-5. @returns undefined for what is denied whatever the lease */
function normalPath(path: string, workspace: string | undefined): string[] | undefined {
  if (path === "" || path.includes("\0")) return undefined;
  if (path[0] !== "/" && workspace === undefined) return undefined;
  let whole = path[0] === "/" ? path : `${workspace}/${path}`;
  for (let before = ""; before !== whole; ) {
    before = whole;
    whole = whole.replace(/\/\/+/g, "/").replace(/\/\.(?=\/|$)/, "");
    if (/^\/\.\.(?=\/|$)/.test(whole)) return undefined;
    whole = whole.replace(/\/(?!\.\.?(?:\/|$))[^/]+\/\.\.(?=\/|$)/, "");
  }
  return whole.split("/").filter((name) => name !== "");
}

/** R-9.2-6. */
function pathMatcher(pattern: string, workspace: string | undefined): Matcher | undefined {
  const segments = pattern.split("/").filter((segment) => segment !== "");
  if (pattern.includes("\0") || segments.some((segment) => segment === "." || segment === "..")) {
    return undefined;
  }
  const isEvery = pattern === "**";
  if (pattern[0] !== "/" && !isEvery && workspace === undefined) return undefined;
  const base = pattern[0] === "/" || isEvery ? "" : (workspace ?? "");
  const whole = [...base.split("/").filter((name) => name !== ""), ...segments];
  return (target) => {
    const names = normalPath(target, workspace);
    return names !== undefined && matchesSegments(whole, names);
  };
}

interface Url {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
}

/** R-9.2-8 and R-9.2-9. @returns undefined for what is denied whatever the lease */
function readUrl(text: string): Url | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const scheme = url.protocol.replace(":", "");
  if ((scheme !== "http" && scheme !== "https") || url.username + url.password !== "") {
    return undefined;
  }
  const path = decoded(url.pathname);
  const host = url.hostname.endsWith(".") ? url.hostname.slice(0, -1) : url.hostname;
  if (path === undefined || host === "" || host.endsWith(".")) return undefined;
  return { scheme, host, port: url.port || defaultPort(scheme), path };
}

function defaultPort(scheme: string): string {
  return scheme === "http" ? "80" : "443";
}

/** Character by character: unreserved escapes are decoded, and three others are denied. */
function decoded(path: string): string | undefined {
  let out = "";
  for (let at = 0; at < path.length; at += 1) {
    const hex = path.slice(at + 1, at + 3);
    if (path[at] !== "%") {
      out += path[at];
    } else if (hex.length === 2 && !Number.isNaN(Number(`0x${hex}`))) {
      const character = String.fromCharCode(Number(`0x${hex}`));
      if (["/", "\\", "\0"].includes(character)) return undefined;
      out += /^[\w.~-]$/.test(character) ? character : `%${hex.toUpperCase()}`;
      at += 2;
    } else {
      // A percent sign that escapes nothing stands for itself.
      out += "%25";
    }
  }
  return out;
}

/** As in a URL: what is not ASCII is escaped. */
function encoded(path: string): string {
  return path.replace(/[^!-~]/gu, encodeURIComponent);
}

/** The parts of a URL pattern; of `scheme://**` only the scheme, and of `**` none. */
export type UrlPattern = Partial<Url>;

/** R-9.2-10. @returns undefined for what is not a pattern */
export function readUrlPattern(pattern: string): UrlPattern | undefined {
  if (pattern === "**") return {};
  const [, name = "", rest = ""] = /^([A-Za-z]+):\/\/(.*)$/.exec(pattern) ?? [];
  const scheme = name.toLowerCase();
  if ((scheme !== "http" && scheme !== "https") || /[?#@\\\s]/.test(pattern)) return undefined;
  if (rest === "**") return { scheme };
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const [written = "", port = defaultPort(scheme), ...more] = authority.split(":");
  const lower = written.toLowerCase().replace(/\.$/, "");
  if (more.length > 0 || lower === "" || lower.endsWith(".") || lower.includes("**")) {
    return undefined;
  }
  if (port !== "*" && !(/^\d{1,5}$/.test(port) && Number(port) < 65_536)) return undefined;
  const host = lower.includes("*") ? lower : readUrl(`http://${lower}`)?.host;
  const path = decoded(encoded(slash < 0 ? "/" : rest.slice(slash)));
  if (host === undefined || path === undefined) return undefined;
  if (path.split("/").some((segment) => segment === "." || segment === "..")) return undefined;
  return { scheme, host, port: port === "*" ? port : `${Number(port)}`, path };
}

function urlMatcher(pattern: string): Matcher | undefined {
  const parts = readUrlPattern(pattern);
  if (parts === undefined) return undefined;
  return (target) => {
    const url = readUrl(target);
    return (
      url !== undefined &&
      (parts.scheme ?? url.scheme) === url.scheme &&
      (parts.host === undefined || matches(parts.host, url.host)) &&
      (parts.port === undefined || parts.port === "*" || parts.port === url.port) &&
      (parts.path === undefined || matches(parts.path, url.path))
    );
  };
}
