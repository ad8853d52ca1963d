import type { Capability } from "@arcp/core";
import { agentInclusion } from "./agent-inclusion.ts";
import { clip } from "./clip.ts";
import type { Effort } from "./effort.ts";
import type { Glob } from "./glob.ts";
import { PATH, TEXT } from "./grammar.ts";
import { type Decide, decided, inclusion } from "./inclusion.ts";
import type { CompiledLease } from "./lease.ts";
import { urlInclusion } from "./url-inclusion.ts";

/** Moves for all decisions on one lease together: half a second or so, however many patterns it has. */
const MAX_MOVES = 1_000_000;

/** Patterns of the parent's that a step looks at, where most of them are evident or evidently something else. */
const STEP = 64;

/**
 * What a child's lease allows beyond its parent's, for humans: the first pattern that is not proven to be within one of
 * the parent's, with a target that it would let through. Undefined when everything is within (R-9.4-1). Amounts are not
 * compared here: a budget knows what it can grant.
 *
 * In steps: many patterns, against many, take longer than a turn may (J4), and so do two that take long to decide.
 *
 * @param whole what the parent's lease is called
 */
export function* excess(
  parent: CompiledLease,
  child: CompiledLease,
  whole = "the parent's lease",
): Comparison {
  const effort = { left: MAX_MOVES };
  for (const namespace of Object.keys(child.json) as Capability[]) {
    if (namespace === "cost.budget") continue;
    const decide = decisions[namespace] ?? withinText;
    const beyond =
      namespace === "net.fetch"
        ? yield* firstBeyond(parent.urls, child.urls, urlInclusion, effort)
        : yield* firstBeyond(parent.patterns(namespace), child.patterns(namespace), decide, effort);
    if (beyond === undefined) continue;
    const { text, witnesses } = beyond;
    // What another of the parent's patterns lets through proves nothing.
    const example = witnesses.find((witness) => !parent.covers(namespace, witness));
    const shown = example === undefined ? "" : `: it also allows ${JSON.stringify(clip(example))}`;
    const pattern = `${namespace} pattern ${JSON.stringify(clip(text))}`;
    return `${pattern} is not within ${whole}${shown}`;
  }
  return undefined;
}

/**
 * What a granted lease allows beyond the requested one, for humans: patterns, or more of a currency, or without end
 * (R-7.1-3). In steps as {@link excess}.
 */
export function* widening(requested: CompiledLease, granted: CompiledLease): Comparison {
  for (const [currency, amount] of requested.budget) {
    const left = granted.budget.get(currency);
    if (left === undefined || left.gt(amount)) {
      return `cost.budget allows ${left?.toFixed() ?? "any amount of"} ${currency}, and ${amount.toFixed()} was requested`;
    }
  }
  return yield* excess(requested, granted, "the requested lease");
}

/** Ends with what is beyond, if anything is. */
export type Comparison = Generator<undefined, string | undefined>;

const withinPaths: Decide<Glob> = (inner, outer, effort) => inclusion(inner, outer, PATH, effort);
const withinText: Decide<Glob> = (inner, outer, effort) => inclusion(inner, outer, TEXT, effort);

const decisions: Partial<Record<Capability, Decide<Glob>>> = {
  "fs.read": withinPaths,
  "fs.write": withinPaths,
  "agent.delegate": agentInclusion,
};

interface Beyond {
  readonly text: string;
  /** What it allows and one of the parent's patterns does not, for each that is known. */
  readonly witnesses: readonly string[];
}

/** The first pattern of the child that is not proven to be within one of the parent's. */
function* firstBeyond<P extends { readonly text: string }>(
  parents: readonly P[],
  children: readonly P[],
  decide: Decide<P>,
  effort: Effort,
): Generator<undefined, Beyond | undefined> {
  // What is evident costs no effort, and is accepted whatever was spent before (R-9.4-2).
  const isEvident = (inner: P, outer: P): boolean =>
    decided(decide(inner, outer, { left: 0 })).kind === "included";
  const byText = new Map(parents.map((outer) => [outer.text, outer]));
  for (const inner of children) {
    yield;
    // Most of what is handed on is handed on as it is: that is not looked for among all of them.
    const same = byText.get(inner.text);
    let isWithin = same !== undefined && isEvident(inner, same);
    for (const [index, outer] of parents.entries()) {
      if (isWithin) break;
      if (index % STEP === STEP - 1) yield;
      isWithin = isEvident(inner, outer);
    }
    if (isWithin) continue;
    const witnesses: string[] = [];
    for (const outer of parents) {
      yield;
      const outcome = yield* decide(inner, outer, effort);
      if (outcome.kind === "excluded") witnesses.push(outcome.witness);
      isWithin = outcome.kind === "included";
      if (isWithin) break;
    }
    if (!isWithin) return { text: inner.text, witnesses };
  }
  return undefined;
}
