/** Why a projector ended. */
export type ProjectorEnd =
  /** It was stopped, or the connection is gone. */
  | { readonly kind: "stopped" }
  /** A later resume owns the session (P5). */
  | { readonly kind: "fenced" }
  /** The log no longer holds what this session had still to see, as the owner of the job or in a replay (P3). */
  | { readonly kind: "behind" }
  /** The store failed. */
  | { readonly kind: "failed"; readonly error: unknown };
