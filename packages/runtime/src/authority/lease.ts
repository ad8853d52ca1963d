import { type Capability, isCapability, type Lease } from "@arcp/core";
import { clip } from "./clip.ts";
import { compileGlob, type Glob, type GlobOutcome, isCovered, matchesAgent } from "./glob.ts";
import { compileGrant } from "./grant.ts";
import type { Money } from "./money.ts";
import { canonicalPath, compilePathGlob } from "./path.ts";
import { canonicalUrl, compileUrlGlob, UrlGlob, type UrlParts } from "./url.ts";

export interface LeaseOptions {
  /** The absolute directory that relative paths and patterns belong to. */
  readonly workspace?: string | undefined;
}

/**
 * A compiled lease, or what is wrong with it. The problem names the location of the pattern, for an `INVALID_REQUEST`, without
 * quoting it, because a URL may contain a password (R-5.3-6).
 */
export type LeaseOutcome =
  | { readonly ok: true; readonly lease: CompiledLease }
  | { readonly ok: false; readonly problem: string };

/** The authority of one job, which never changes (R-9.1-2). Budget counters are kept elsewhere. */
export class CompiledLease {
  /** The lease as requested, for the wire. */
  readonly json: Lease;
  readonly workspace: string | undefined;
  /** The amounts of `cost.budget`, summed up per currency; empty if there are none. */
  readonly budget: Money;
  /** The patterns of `net.fetch`. */
  readonly urls: readonly UrlGlob[];
  readonly #patterns: ReadonlyMap<Capability, readonly Glob[]>;

  constructor(
    json: Lease,
    workspace: string | undefined,
    budget: Money,
    { urls, patterns }: Compiled,
  ) {
    this.json = json;
    this.workspace = workspace;
    this.budget = budget;
    this.urls = urls;
    this.#patterns = patterns;
  }

  /** The patterns of a namespace other than `net.fetch`; none if the lease does not name it (R-9.1-1). */
  patterns(capability: Capability): readonly Glob[] {
    return this.#patterns.get(capability) ?? [];
  }

  /** Whether the lease covers a URL in canonical form. */
  coversUrl(url: UrlParts): boolean {
    return isCovered(url, this.urls);
  }

  /** Whether it covers the URL by a pattern that names the host without a wildcard. */
  namesUrl(url: UrlParts): boolean {
    return isCovered(
      url,
      this.urls.filter((glob) => glob.namesHost),
    );
  }

  /** Whether the lease covers `capability` on `target`, which is made canonical here. */
  covers(capability: Capability, target: string): boolean {
    const patterns = this.patterns(capability);
    switch (capability) {
      case "fs.read":
      case "fs.write": {
        const canonical = canonicalPath(target, this.workspace);
        return canonical.ok && isCovered(canonical.path, patterns);
      }
      case "agent.delegate":
        return patterns.some((glob) => matchesAgent(glob, target));
      case "net.fetch": {
        const url = canonicalUrl(target);
        return url.ok && this.coversUrl(url.parts);
      }
      // Amounts are not targets.
      case "cost.budget":
        return false;
      default:
        return isCovered(target, patterns);
    }
  }
}

interface Compiled {
  readonly patterns: ReadonlyMap<Capability, readonly Glob[]>;
  readonly urls: readonly UrlGlob[];
}

/** The lease that most jobs request: immutable, so they share it. */
const NOTHING: LeaseOutcome = {
  ok: true,
  lease: new CompiledLease(Object.freeze({}), undefined, new Map(), {
    patterns: new Map(),
    urls: [],
  }),
};

/**
 * Compiles a lease as it was requested, or as a policy or an agent made it (R-9.2-1, R-9.2-3, R-9.6-1).
 *
 * @throws LocalError `MISUSE` if the workspace is not an absolute path
 */
export function compileLease(lease: Lease, { workspace }: LeaseOptions = {}): LeaseOutcome {
  if (workspace === undefined && Object.keys(lease).length === 0) return NOTHING;
  const json = copy(lease);
  const patterns = new Map<Capability, readonly Glob[]>();
  const urls: UrlGlob[] = [];
  for (const [namespace, texts = []] of Object.entries(json)) {
    if (!isCapability(namespace)) {
      return { ok: false, problem: `${clip(namespace)}: is not a capability` };
    }
    if (namespace === "cost.budget") continue;
    const globs: Glob[] = [];
    for (const [index, text] of texts.entries()) {
      const compiled =
        namespace === "net.fetch"
          ? compileUrlGlob(text)
          : compilePattern(namespace, text, workspace);
      if (!compiled.ok) {
        return { ok: false, problem: `${namespace}.${index}: ${compiled.problem}` };
      }
      if (compiled.glob instanceof UrlGlob) urls.push(compiled.glob);
      else globs.push(compiled.glob);
    }
    patterns.set(namespace, globs);
  }
  const budget = compileGrant(json["cost.budget"] ?? []);
  if (!budget.ok) return { ok: false, problem: `cost.budget.${budget.problem}` };
  return { ok: true, lease: new CompiledLease(json, workspace, budget.grant, { patterns, urls }) };
}

function compilePattern(
  namespace: Capability,
  pattern: string,
  workspace: string | undefined,
): GlobOutcome {
  if (namespace === "fs.read" || namespace === "fs.write") {
    return compilePathGlob(pattern, workspace);
  }
  return compileGlob(pattern);
}

/** Copied, so that what is shown later is what was compiled, whatever the caller does with the original. */
function copy(lease: Lease): Lease {
  const copies = Object.entries(lease).map(([namespace, texts = []]) => [
    namespace,
    Object.freeze([...texts]),
  ]);
  return Object.freeze(Object.fromEntries(copies));
}
