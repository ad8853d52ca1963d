import type { Prices } from "../authority/price.ts";
import type { AdmissionContext } from "../jobs/admission.ts";
import type { AgentRegistry } from "./agent-registry.ts";
import type { Tools } from "./tools.ts";

/** What a runtime needs to run its agents. */
export interface AgentHost extends AdmissionContext {
  readonly agents: AgentRegistry;
  readonly tools: Tools;
  /** The prices of the models that the runtime knows, by id. */
  readonly models: ReadonlyMap<string, Prices>;
}
