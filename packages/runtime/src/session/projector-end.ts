/** Why a projector ended. */
export type ProjectorEnd =
  /** It was stopped, or the connection is gone. */
  | { readonly kind: "stopped" }
  /** A later resume owns the session (P5). */
  | { readonly kind: "fenced" }
  /** The log no longer holds records that this session still had to see, as the job's owner or in a replay (P3). */
  | { readonly kind: "behind" }
  /** The store failed. */
  | { readonly kind: "failed"; readonly error: unknown };
