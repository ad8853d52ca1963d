import type { SessionId } from "@arcp/core";
import type { Binding } from "./binding.ts";

/** The phases of a connection. */
export type ConnectionState =
  | { readonly kind: "greeting" }
  /** An opening request is being processed: the first one, or one that leaves a fresh session for another. */
  | {
      readonly kind: "opening";
      /** The request's id, for the reply. */
      readonly id: string | undefined;
      /** The fresh session that the client leaves. */
      readonly left?: SessionId;
      /** Aborted when nobody waits for the reply any more. */
      readonly over?: AbortController;
    }
  | { readonly kind: "bound"; readonly binding: Binding }
  | { readonly kind: "closed" };
