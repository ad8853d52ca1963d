import type { Section } from "./section.ts";

/** How binding a requirement is (BCP 14). A MUST NOT is a MUST whose `behaviour` says what must not be. */
export type Strength = "MUST" | "SHOULD" | "MAY";

/** Whom a requirement binds: the client, the runtime, or a peer, which is either of the two. */
export type Side = "client" | "runtime" | "peer";

/** One requirement as its section's file writes it down. */
export interface RequirementRow {
  readonly id: `R-${Section}-${number}`;
  readonly section: Section;
  readonly strength: Strength;
  readonly side: Side;
  /** What the peer has to do, in the words of the protocol reference. */
  readonly behaviour: string;
  /** Set when the requirement goes beyond the public draft, so that other SDKs do not meet it. */
  readonly ours?: true;
}
