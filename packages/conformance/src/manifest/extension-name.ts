import type { RequirementRow } from "./requirement-row.ts";

export const extensionName = [
  {
    id: "R-15-1",
    section: "15",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Vendor message types, event kinds, capability namespaces, feature names, capability keys and extensions keys MUST be sent in this form.",
  },
  {
    id: "R-15-2",
    section: "15",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A receiver MUST accept event kinds that start with x- in any spelling, ignore extensions keys it does not understand, and hand vendor keys inside capabilities to the application unchanged.",
  },
] as const satisfies readonly RequirementRow[];
