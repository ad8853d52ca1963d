import type { Capability } from "@arcp/core";
import { readUrlPattern } from "./reference-matcher.ts";

// The decision procedure of section 9.4 as it is worded, slow and plain, and without any of the code under test.

/** Whether the procedure proves that one pattern covers another. Both are valid. */
export function proves(
  capability: Capability,
  child: string,
  parent: string,
  workspace: string,
): boolean {
  switch (capability) {
    case "fs.read":
    case "fs.write":
      return provesSegments(pathOf(child, workspace), pathOf(parent, workspace));
    case "net.fetch":
      return provesUrl(child, parent);
    case "agent.delegate":
      if (parent.includes("@")) return child.includes("@") && provesText(child, parent);
      return provesText(child.split("@")[0] ?? "", parent);
    default:
      return provesText(child, parent);
  }
}

function provesText(child: string, parent: string): boolean {
  return provesSegments(child.split("/"), parent.split("/"));
}

function pathOf(pattern: string, workspace: string): string[] {
  const whole = pattern.startsWith("/") || pattern === "**" ? pattern : `${workspace}/${pattern}`;
  return whole.split("/").filter((segment) => segment !== "");
}

function provesUrl(child: string, parent: string): boolean {
  const [c, p] = [readUrlPattern(child), readUrlPattern(parent)];
  if (c === undefined || p === undefined) throw new Error("not valid");
  const part = (name: "scheme" | "host" | "port" | "path"): boolean => {
    const bound = p[name];
    return bound === undefined || (c[name] !== undefined && provesText(c[name], bound));
  };
  return part("scheme") && part("host") && part("port") && part("path");
}

/** Segment by segment: only a whole-segment `**` of the parent matches the child's run of unknown segments. */
function provesSegments(child: readonly string[], parent: readonly string[]): boolean {
  const [p, ...parents] = parent;
  if (p === undefined) return child.length === 0;
  if (p === "**") {
    const ends = Array.from({ length: child.length + 1 }, (_, n) => n);
    return ends.some((n) => provesSegments(child.slice(n), parents));
  }
  const [c, ...children] = child;
  return c !== undefined && c !== "**" && provesSegment(c, p) && provesSegments(children, parents);
}

function provesSegment(child: string, parent: string): boolean {
  if (parent === "*") return child === "*" || child.replaceAll("*", "") !== "";
  return provesTokens(child, parent);
}

/** A `*` of the child is a run that only a `*` of the parent matches. */
function provesTokens(child: string, parent: string): boolean {
  const [token, rest] = [parent[0], parent.slice(1)];
  if (token === undefined) return child === "";
  if (token === "*") {
    const ends = Array.from({ length: child.length + 1 }, (_, n) => n);
    return ends.some((n) => provesTokens(child.slice(n), rest));
  }
  return child[0] === token && provesTokens(child.slice(1), rest);
}
