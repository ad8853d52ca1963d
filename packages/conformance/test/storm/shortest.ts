import type { Program, Step } from "./program.ts";

/**
 * Leaves out steps for as long as what is left still fails: many at a time at first, and one by one in the end.
 * @param fails whether a program does
 * @param ms after which the shortest until then will do
 */
export async function shortest(
  program: Program,
  fails: (program: Program) => Promise<boolean>,
  ms: number,
): Promise<Program> {
  const until = performance.now() + ms;
  let { steps } = program;
  for (
    let size = Math.ceil(steps.length / 2);
    size > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < steps.length && performance.now() < until; ) {
      const fewer: readonly Step[] = steps.toSpliced(at, size);
      if (await fails({ ...program, steps: fewer })) steps = fewer;
      else at += size;
    }
  }
  return { ...program, steps };
}
