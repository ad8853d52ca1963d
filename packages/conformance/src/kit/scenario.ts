import type { RequirementId } from "../manifest/manifest.ts";
import type { Need } from "./need.ts";
import type { Site } from "./site.ts";

/** A test that runs against a runtime to see whether it meets requirements. */
export interface Scenario {
  /** What happens, in a short sentence that is true when the requirements hold. */
  readonly name: string;
  /**
   * What it shows. If it fails, all of them count as broken, unless the error says which one: a `WireViolation` does, and so does a
   * message that begins with an id.
   */
  readonly verifies: readonly [RequirementId, ...RequirementId[]];
  readonly needs?: readonly Need[];
  /** Runs alone: for scenarios that fill a principal's limits, or block the whole runtime. */
  readonly alone?: true;
  /** Plays it; rejects if the runtime does not keep to what it verifies. */
  readonly play: (site: Site) => Promise<void>;
}
