import type { Scenario } from "../scenario.ts";
import { resume } from "./resume.ts";
import { transport } from "./transport.ts";

/** All scenarios, in the order of the protocol reference. */
export const scenarios: readonly Scenario[] = [...transport, ...resume];
