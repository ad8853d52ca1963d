import type { Scenario } from "./scenario.ts";
import { s1 } from "./scenarios/s1-latency.ts";
import { s2 } from "./scenarios/s2-submits.ts";
import { s2c } from "./scenarios/s2c-client-submits.ts";
import { s3 } from "./scenarios/s3-events.ts";
import { s3c } from "./scenarios/s3c-client-events.ts";
import { s4 } from "./scenarios/s4-jobs.ts";
import { s5 } from "./scenarios/s5-subscribers.ts";
import { s6 } from "./scenarios/s6-idle-sessions.ts";
import { s7 } from "./scenarios/s7-resume.ts";
import { s8 } from "./scenarios/s8-chunks.ts";
import { s8r } from "./scenarios/s8r-chunks-again.ts";
import { s9, s9k } from "./scenarios/s9-finished-jobs.ts";
import { s9c } from "./scenarios/s9c-submit-cost.ts";
import { s10 } from "./scenarios/s10-stalled-reader.ts";
import { s10b } from "./scenarios/s10b-stalled-subscriber.ts";
import { s11 } from "./scenarios/s11-fairness.ts";

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  s1,
  s2,
  s2c,
  s3,
  s3c,
  s4,
  s5,
  ...s6,
  ...s7,
  ...s8,
  ...s8r,
  s9,
  s9k,
  ...s9c,
  ...s10,
  s10b,
  ...s11,
];

/** @throws Error that names the known ones */
export function scenarioNamed(id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  const known = scenarios.map((scenario) => scenario.id).join(", ");
  throw new Error(`there is no scenario ${id}; there are: ${known}`);
}
