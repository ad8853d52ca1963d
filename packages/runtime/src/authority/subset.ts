import type { Capability } from "@arcp/core";
import { agentInclusion } from "./agent-inclusion.ts";
import { clip } from "./clip.ts";
import type { Effort } from "./effort.ts";
import type { Glob } from "./glob.ts";
import { PATH, TEXT } from "./grammar.ts";
import { type Decide, decided, inclusion } from "./inclusion.ts";
import type { CompiledLease } from "./lease.ts";
import { urlInclusion } from "./url-inclusion.ts";

/** State transitions for all decisions on one lease together: about half a second, however many patterns it has. */
const MAX_MOVES = 1_000_000;

/** The parent's patterns checked per step; most are obviously a match or obviously not. */
const STEP = 64;

/**
 * What a child's lease allows beyond its parent's, as text for people: the first pattern that is not proven to be within one of the
 * parent's, with an example target. Undefined if everything is within (R-9.4-1). Amounts are not compared here: the budget checks
 * them.
 *
 * Runs in steps, because many patterns against many others, or two that are hard to decide, take longer than a turn allows (J4).
 *
 * @param whole how the text refers to the parent's lease
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
    // A witness that another of the parent's patterns covers proves nothing.
    const example = witnesses.find((witness) => !parent.covers(namespace, witness));
    const shown = example === undefined ? "" : `: it also allows ${JSON.stringify(clip(example))}`;
    const pattern = `${namespace} pattern ${JSON.stringify(clip(text))}`;
    return `${pattern} is not within ${whole}${shown}`;
  }
  return undefined;
}

/**
 * What a granted lease allows beyond the requested one, as text for people: patterns, or more of a currency, or any amount of it
 * (R-7.1-3). Runs in steps, like {@link excess}.
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

/** Returns what is beyond, if anything. */
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
  /** Known targets that the pattern allows and one of the parent's patterns does not. */
  readonly witnesses: readonly string[];
}

/** The first pattern of the child that is not proven to be within one of the parent's. */
function* firstBeyond<P extends { readonly text: string }>(
  parents: readonly P[],
  children: readonly P[],
  decide: Decide<P>,
  effort: Effort,
): Generator<undefined, Beyond | undefined> {
  // The cheap check needs no effort, and counts even if the effort is used up (R-9.4-2).
  const isEvident = (inner: P, outer: P): boolean =>
    decided(decide(inner, outer, { left: 0 })).kind === "included";
  const byText = new Map(parents.map((outer) => [outer.text, outer]));
  for (const inner of children) {
    yield;
    // Most patterns are passed on unchanged, so look for the same text first.
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
