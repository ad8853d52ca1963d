import type { Prices } from "../authority/price.ts";
import type { AdmissionContext } from "../jobs/admission.ts";
import type { AgentRegistry } from "./agent-registry.ts";
import type { Tools } from "./tools.ts";

/** What a runtime runs its agents with. */
export interface AgentHost extends AdmissionContext {
  readonly agents: AgentRegistry;
  readonly tools: Tools;
  /** What the models cost that the runtime knows, by id. */
  readonly models: ReadonlyMap<string, Prices>;
}
