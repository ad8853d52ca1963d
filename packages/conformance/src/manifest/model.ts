import type { RequirementRow } from "./requirement-row.ts";

export const model = [
  {
    id: "R-9.7-1",
    section: "9.7",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A model call whose id matches no model.use pattern MUST fail with PERMISSION_DENIED.",
  },
  {
    id: "R-9.7-2",
    section: "9.7",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A lease without model.use MUST forbid model calls unless the operator switched the runtime to allow any registered model.",
  },
  {
    id: "R-9.7-3",
    section: "9.7",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "The feature SHOULD be offered independently of credential provisioning, because the runtime enforces it itself.",
  },
] as const satisfies readonly RequirementRow[];
