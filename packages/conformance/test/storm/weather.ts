import type { StoreName } from "../shelf.ts";

/** What a store is like. */
export interface Weather {
  readonly store: StoreName;
  /** How many of a hundred writes fail. */
  readonly trouble: number;
  /** Records that are kept of a job; all by default. */
  readonly kept: number | undefined;
}
