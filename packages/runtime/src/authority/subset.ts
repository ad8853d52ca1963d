import type { Capability } from "@arcp/core";
import { clip } from "./clip.ts";
import { compileGlob, type Glob } from "./glob.ts";
import { type Grammar, inclusion } from "./inclusion.ts";
import type { CompiledLease } from "./lease.ts";
import type { UrlGlob } from "./url.ts";

/**
 * What a child's lease allows beyond its parent's, for humans: the first pattern that is not proven to be within one of
 * the parent's. Undefined when everything is (R-9.4-1). Amounts are not compared here: a budget knows what it can grant.
 */
export function excess(parent: CompiledLease, child: CompiledLease): string | undefined {
  for (const namespace of Object.keys(child.json) as Capability[]) {
    if (namespace === "cost.budget") continue;
    const beyond =
      namespace === "net.fetch"
        ? child.urls.find((url) => !parent.urls.some((outer) => includesUrl(outer, url)))
        : child
            .patterns(namespace)
            .find((glob) => !parent.patterns(namespace).some(includes(namespace, glob)));
    if (beyond === undefined) continue;
    return `${namespace} pattern ${JSON.stringify(clip(beyond.text))} is not within the parent's lease`;
  }
  return undefined;
}

/** What a granted lease allows beyond the requested one, for humans: patterns, or more of a currency, or without end (R-7.1-3). */
export function widening(requested: CompiledLease, granted: CompiledLease): string | undefined {
  for (const [currency, amount] of requested.budget) {
    const left = granted.budget.get(currency);
    if (left === undefined || left.gt(amount)) {
      return `cost.budget allows ${left?.toFixed() ?? "any amount of"} ${currency}, and ${amount.toFixed()} was requested`;
    }
  }
  return excess(requested, granted);
}

/** @returns whether a pattern of the parent includes this one of the child */
function includes(namespace: Capability, inner: Glob): (outer: Glob) => boolean {
  switch (namespace) {
    case "fs.read":
    case "fs.write":
      return (outer) => isWithin(inner, outer, "path");
    case "agent.delegate":
      return (outer) => includesAgent(outer, inner);
    default:
      return (outer) => isWithin(inner, outer);
  }
}

function isWithin(inner: Glob, outer: Glob, grammar: Grammar = "text"): boolean {
  return inclusion(inner, outer, grammar).kind === "included";
}

/** Each part for itself. */
function includesUrl(outer: UrlGlob, inner: UrlGlob): boolean {
  if (outer.scheme !== undefined && outer.scheme !== inner.scheme) return false;
  if (outer.rest === undefined) return true;
  const { host, port, path } = outer.rest;
  const { rest } = inner;
  return (
    rest !== undefined &&
    isWithin(rest.host, host) &&
    isWithin(rest.port, port) &&
    isWithin(rest.path, path)
  );
}

/** Without `@` a pattern covers every version of the names that it covers, and no pattern with `@` covers that. */
function includesAgent(outer: Glob, inner: Glob): boolean {
  if (outer.text.includes("@")) return inner.text.includes("@") && isWithin(inner, outer);
  const [name = ""] = inner.text.split("@");
  const named = compileGlob(name);
  return named.ok && isWithin(named.glob, outer);
}
