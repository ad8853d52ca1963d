import type { Attempt } from "../trespasser.ts";

/** The features that all escapes but those about features agree on. */
export const FEATURES = ["cost.budget", "model.use", "lease_expires_at", "agent_versions"];

/** What is tried, and with which code it has to be refused. */
export interface Escape {
  readonly what: string;
  readonly code: string;
  readonly lease: Readonly<Record<string, readonly string[]>>;
  /** What goes well first, and has to: else a runtime that refuses everything would do. */
  readonly allowed: readonly Attempt[];
  readonly tries: readonly Attempt[];
  /** Wrong arguments: they never become an operation that could be shown. */
  readonly unseen?: true;
  /** Seconds until the lease expires. */
  readonly expiresInSec?: number;
  /** What happens to the job while it outlasts it. */
  readonly meanwhile?: "cancel" | "expire";
}

/** Part of a table: the same lease, and what it does allow. */
export function under(
  lease: Escape["lease"],
  allowed: readonly Attempt[],
  code: string,
  rows: ReadonlyArray<readonly [what: string, attempt: Attempt, code?: string]>,
): Escape[] {
  return rows.map(([what, attempt, own = code]) => {
    return { what, code: own, lease, allowed, tries: [attempt] };
  });
}

export function unseen(rows: readonly Escape[]): Escape[] {
  return rows.map((row) => ({ ...row, unseen: true }));
}
