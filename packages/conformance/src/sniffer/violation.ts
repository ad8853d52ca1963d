import type { RequirementId } from "../manifest/manifest.ts";

/** Who sent a frame. */
export type Sender = "client" | "runtime";

/** A frame that a good peer would not have sent. */
export interface Violation {
  /** The requirement that it breaks, or the one closest to it. */
  readonly rule: RequirementId;
  readonly message: string;
  readonly sender: Sender;
  readonly frame: string;
}

/** Reports that the current frame breaks a rule. */
export type Report = (rule: RequirementId, message: string) => void;
