import type { SessionId } from "@arcp/core";
import type { Binding } from "./binding.ts";

/** How far a connection has come. */
export type ConnectionState =
  | { readonly kind: "greeting" }
  /** An opening request is looked at, the first one or that to leave a fresh session for another. */
  | {
      readonly kind: "opening";
      /** Of the request, for the answer. */
      readonly id: string | undefined;
      /** The fresh session that is left. */
      readonly left?: SessionId;
      /** Aborts when nobody waits for the answer any more. */
      readonly over?: AbortController;
    }
  | { readonly kind: "bound"; readonly binding: Binding }
  | { readonly kind: "closed" };
