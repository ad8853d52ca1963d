import type { RequirementId } from "../../src/index.ts";

/** A runtime that is wrong in one place. */
export interface Mutation {
  /** What it does wrong. */
  readonly name: string;
  /** What it breaks by that. */
  readonly breaks: RequirementId;
  /** Beneath `packages/runtime/src`. */
  readonly file: string;
  /** What stands there, once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
}
