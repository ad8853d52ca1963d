import type { RequirementId } from "../manifest/manifest.ts";

/** Requirements of a runtime that no scenario can show, since they cannot be observed on the wire, and why. */
export const beyondTheWire: { readonly [id in RequirementId]?: string } = {
  "R-4-3": "a target has one transport: this shows when all scenarios are run over each",
  "R-4-5": "whether objects are shared shows only inside one process, and a target is outside",
  "R-4.1-5": "what an operator has allowed shows only in the runtime's configuration",
  "R-4.2-1": "a target returns messages, not the lines of the pipe that they came in",
  "R-4.2-2": "what else a process writes shows on its standard streams, which a target hides",
  "R-4.2-3": "a target returns messages, not the lines of the pipe that they came in",
  "R-4.2-4": "how much of a line is kept in memory shows only inside the process",
  "R-4.2-5": "whether a process exits with its parent's pipe shows only in the process table",
  "R-6.1-4": "no target can lead to a runtime that refuses to serve",
  "R-6.1-6": "a client that tried it would be shut out, along with all scenarios that follow",
  "R-14-5": "what is logged shows only in the logs",
  "R-6.5-2": "which memory a runtime frees does not show on the wire",
  "R-6.5-9": "cutting a client off is the operator's choice, and no request can set it",
  "R-6.7-6": "no request shuts a runtime down gracefully",
  "R-9.2-7": "the test agents read no files and fetch nothing",
  "R-9.5-5": "the kit does not control the runtime's clock",
  "R-9.8-1": "the kit controls neither the store nor connections from other machines",
  "R-11-6": "spans do not show on the wire",
  "R-D-6":
    "by which feature the packages of one project recognise each other does not concern others",
};
