import { LocalError } from "@arcp/core";
import { compileGlob, Glob, type GlobOutcome } from "./glob.ts";
import { ANY_SEGMENTS, isLiteral, type Segment } from "./segment.ts";
import { workspacePath } from "./workspace.ts";

/** A path in the form that is compared with patterns, or why there is none. */
export type PathOutcome =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly problem: string };

const HOMELESS = {
  ok: false,
  problem: "is relative, but the job has no workspace; write an absolute path",
} as const;

/**
 * Makes a POSIX path absolute and canonical without accessing the disk: a relative path is based on the workspace, `.` and `..` are
 * resolved, repeated and trailing slashes removed (R-9.2-5). Anything else, such as `%2e%2e` or `\`, is an ordinary name.
 *
 * @throws LocalError `MISUSE` if the workspace itself is not an absolute path
 */
export function canonicalPath(path: string, workspace?: string): PathOutcome {
  if (path === "") return { ok: false, problem: "is empty" };
  if (path.includes("\0")) return { ok: false, problem: "contains NUL" };
  const names: string[] = [];
  if (!path.startsWith("/")) {
    if (workspace === undefined) return HOMELESS;
    names.push(...workspaceNames(workspace));
  }
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return { ok: false, problem: "climbs above the root" };
  }
  return { ok: true, path: `/${names.join("/")}` };
}

/**
 * Compiles a pattern over canonical paths (R-9.2-6). The pattern `**` by itself is every path, whatever the workspace.
 *
 * @throws LocalError `MISUSE` if the workspace itself is not an absolute path
 */
export function compilePathGlob(pattern: string, workspace?: string): GlobOutcome {
  const compiled = compileGlob(pattern);
  if (!compiled.ok || pattern === ANY_SEGMENTS) return compiled;
  if (pattern.includes("\0")) return { ok: false, problem: "contains NUL" };
  const segments = compiled.glob.segments.filter((segment) => literalName(segment) !== "");
  const dotted = segments.some((segment) => [".", ".."].includes(literalName(segment) ?? ""));
  if (dotted) {
    return { ok: false, problem: "has a . or .. segment; write it without, such as /srv/data/**" };
  }
  if (pattern.startsWith("/")) return { ok: true, glob: pathGlob(pattern, [], segments) };
  if (workspace === undefined) return HOMELESS;
  return { ok: true, glob: pathGlob(pattern, workspaceNames(workspace), segments) };
}

/**
 * The literal prefix of a path pattern: the file or directory that everything it matches is at or below.
 *
 * @returns undefined for `**`, which has no literal prefix
 */
export function literalPrefix(glob: Glob): string | undefined {
  const length = prefixLength(glob);
  return length === 0 ? undefined : `/${prefixNames(glob, length).join("/")}`;
}

/** Replaces the literal prefix of a pattern by `prefix`, a canonical path taken literally. */
export function withLiteralPrefix(glob: Glob, prefix: string): Glob {
  return pathGlob(glob.text, nonEmpty(prefix), glob.segments.slice(prefixLength(glob)));
}

/** Takes the names literally, so that a `*` in the name of a real directory is not a wildcard. */
function pathGlob(text: string, names: readonly string[], rest: readonly Segment[]): Glob {
  const segments: Segment[] = [...names.map((name) => [name]), ...rest];
  // As in the paths themselves, there is an empty name before the first slash, and for the root another one after it.
  if (segments.length === 0) segments.push([""]);
  return new Glob(text, [[""], ...segments]);
}

function prefixLength(glob: Glob): number {
  const wild = glob.segments.findIndex((segment) => literalName(segment) === undefined);
  return wild < 0 ? glob.segments.length : wild;
}

function prefixNames(glob: Glob, length: number): string[] {
  return glob.segments.slice(0, length).flatMap((segment) => literalName(segment) || []);
}

/** @returns undefined if the segment has a wildcard */
function literalName(segment: Segment): string | undefined {
  return isLiteral(segment) ? segment[0] : undefined;
}

/** @throws LocalError `MISUSE` if it is given and not an absolute path of this system */
export function checkWorkspace(workspace: string | undefined): void {
  if (workspace !== undefined) workspaceNames(workspacePath(workspace));
}

function workspaceNames(workspace: string): string[] {
  const root = workspace.startsWith("/") ? canonicalPath(workspace) : undefined;
  if (root?.ok !== true) {
    throw new LocalError("MISUSE", `the workspace must be an absolute path, not ${workspace}`);
  }
  return nonEmpty(root.path);
}

function nonEmpty(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}
