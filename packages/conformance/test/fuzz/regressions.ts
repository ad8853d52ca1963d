import type { Program } from "./action.ts";

/** A program that once broke something, and what that was. */
export interface Regression {
  readonly was: string;
  readonly program: Program;
}

/** As the fuzzer printed them, by what was wrong. */
export const regressions: readonly Regression[] = [];
