import type { RequirementId } from "../manifest/manifest.ts";
import type { Need } from "./need.ts";
import type { Site } from "./site.ts";

/** A test that runs against a runtime to see whether it meets requirements. */
export interface Scenario {
  /** What happens, in a short sentence that is true when the requirements hold. */
  readonly name: string;
  /**
   * What is shown by it. When it fails, all of them count as broken, unless the error says which one: a `WireViolation`
   * does, and so does a message that begins with an id.
   */
  readonly verifies: readonly [RequirementId, ...RequirementId[]];
  readonly needs?: readonly Need[];
  /** Nothing else may go on at the same time: for what fills a principal's limits, or holds up the whole runtime. */
  readonly alone?: true;
  /** Plays it; rejects when the runtime does not keep to what it verifies. */
  readonly play: (site: Site) => Promise<void>;
}
