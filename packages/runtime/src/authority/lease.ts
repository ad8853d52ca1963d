import { type Capability, isCapability, type Lease } from "@arcp/core";
import type Big from "big.js";
import { clip } from "./clip.ts";
import { compileGlob, type Glob, type GlobOutcome, matchesAgent } from "./glob.ts";
import { compileGrant } from "./grant.ts";
import { canonicalPath, compilePathGlob } from "./path.ts";

export interface LeaseOptions {
  /** The absolute directory that relative paths and patterns belong to. */
  readonly workspace?: string | undefined;
}

/** A compiled lease, or what is wrong with it: names the namespace and the pattern, fit for an `INVALID_REQUEST`. */
export type LeaseOutcome =
  | { readonly ok: true; readonly lease: CompiledLease }
  | { readonly ok: false; readonly problem: string };

/** The authority of one job, which never changes (R-9.1-2). Budget counters move elsewhere. */
export class CompiledLease {
  /** The lease as it was requested, for the wire. */
  readonly json: Lease;
  readonly workspace: string | undefined;
  /** The amounts of `cost.budget`, added up by currency; empty when the job has none. */
  readonly budget: ReadonlyMap<string, Big>;
  readonly #patterns: ReadonlyMap<Capability, readonly Glob[]>;

  constructor(
    json: Lease,
    workspace: string | undefined,
    budget: ReadonlyMap<string, Big>,
    patterns: ReadonlyMap<Capability, readonly Glob[]>,
  ) {
    this.json = json;
    this.workspace = workspace;
    this.budget = budget;
    this.#patterns = patterns;
  }

  /** The patterns of a namespace; none when the lease does not name it (R-9.1-1). */
  patterns(capability: Capability): readonly Glob[] {
    return this.#patterns.get(capability) ?? [];
  }

  /** Whether the lease lets the job use `capability` on `target`, which is made canonical here. */
  covers(capability: Capability, target: string): boolean {
    const patterns = this.patterns(capability);
    switch (capability) {
      case "fs.read":
      case "fs.write": {
        const canonical = canonicalPath(target, this.workspace);
        return canonical.ok && patterns.some((glob) => glob.matches(canonical.path));
      }
      case "agent.delegate":
        return patterns.some((glob) => matchesAgent(glob, target));
      // A URL is compared by component and never as text, and an amount is no target.
      case "net.fetch":
      case "cost.budget":
        return false;
      default:
        return patterns.some((glob) => glob.matches(target));
    }
  }
}

/**
 * Compiles a lease as it was requested, or as a policy or an agent made it (R-9.2-1, R-9.2-3, R-9.6-1).
 *
 * @throws LocalError `MISUSE` when the workspace is not an absolute path
 */
export function compileLease(lease: Lease, { workspace }: LeaseOptions = {}): LeaseOutcome {
  const json = copy(lease);
  const patterns = new Map<Capability, readonly Glob[]>();
  for (const [namespace, texts = []] of Object.entries(json)) {
    if (!isCapability(namespace)) {
      return { ok: false, problem: `${quote(namespace)} is not a capability` };
    }
    if (namespace === "cost.budget") continue;
    const globs: Glob[] = [];
    for (const text of texts) {
      const compiled = compilePattern(namespace, text, workspace);
      if (!compiled.ok) {
        return { ok: false, problem: `${namespace} pattern ${quote(text)} ${compiled.problem}` };
      }
      globs.push(compiled.glob);
    }
    patterns.set(namespace, globs);
  }
  const budget = compileGrant(json["cost.budget"] ?? []);
  if (!budget.ok) return { ok: false, problem: `cost.budget ${budget.problem}` };
  return { ok: true, lease: new CompiledLease(json, workspace, budget.grant, patterns) };
}

function compilePattern(
  namespace: Capability,
  pattern: string,
  workspace: string | undefined,
): GlobOutcome {
  if (namespace === "fs.read" || namespace === "fs.write") {
    return compilePathGlob(pattern, workspace);
  }
  if (namespace === "net.fetch" && /[?#@]/.test(pattern)) {
    return { ok: false, problem: "has one of ?, # and @, which a URL pattern cannot match" };
  }
  return compileGlob(pattern);
}

/** What is shown later must be what was compiled, whatever the caller does with the original. */
function copy(lease: Lease): Lease {
  const copies = Object.entries(lease).map(([namespace, texts = []]) => [
    namespace,
    Object.freeze([...texts]),
  ]);
  return Object.freeze(Object.fromEntries(copies));
}

/** A pattern as an error may repeat it. */
function quote(pattern: string): string {
  return JSON.stringify(clip(pattern));
}
