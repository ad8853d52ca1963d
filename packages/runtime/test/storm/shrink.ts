import type { Program, Step } from "./program.ts";

type Tree = readonly unknown[] | { readonly [key: string]: unknown } | unknown;

/** The program without what it does not need to fail: parts of its lists, one after the other, the upstream, and bad luck. */
export async function shrink(
  program: Program,
  fails: (smaller: Program) => Promise<boolean>,
): Promise<Program> {
  let best = program;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const smaller of candidates(best)) {
      if (!(await fails(smaller))) continue;
      best = smaller;
      isSmaller = true;
      break;
    }
  }
  return best;
}

function* candidates(program: Program): Generator<Program> {
  const { upstream, late, failing, ...rest } = program;
  const luck = { late, failing };
  if (upstream !== undefined) yield { ...rest, ...luck };
  if (late > 0) yield { ...program, late: 0 };
  if (failing > 0) yield { ...program, failing: 0 };
  for (const steps of shorter(program.steps)) yield { ...program, steps: steps as Step[] };
}

/** The same with a part of one of its lists left out, the largest parts first. */
function* shorter(tree: Tree): Generator<Tree> {
  if (typeof tree !== "object" || tree === null) return;
  if (Array.isArray(tree)) {
    for (let size = Math.ceil(tree.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let i = 0; i < tree.length; i += size) yield tree.toSpliced(i, size);
    }
  }
  for (const [key, part] of Object.entries(tree)) {
    for (const smaller of shorter(part)) {
      yield Array.isArray(tree) ? tree.with(Number(key), smaller) : { ...tree, [key]: smaller };
    }
  }
}
