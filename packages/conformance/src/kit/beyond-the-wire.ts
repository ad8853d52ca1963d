import type { RequirementId } from "../manifest/manifest.ts";

/** Requirements of a runtime that no scenario can show, since they cannot be seen on the wire, and why. */
export const beyondTheWire: { readonly [id in RequirementId]?: string } = {
  "R-4-3": "a target is one transport: it shows by playing all scenarios over each",
  "R-4-5": "whether objects are shared shows inside one process, where a target is not",
  "R-4.1-5": "what an operator has allowed shows only in how he set the runtime up",
  "R-4.2-1": "a target gives messages, not the lines of a pipe that they came in",
  "R-4.2-2": "what else a process writes shows on its standard streams, which a target hides",
  "R-4.2-3": "a target gives messages, not the lines of a pipe that they came in",
  "R-4.2-4": "how much of a line is kept in memory shows inside the process",
  "R-4.2-5": "whether a process exits with its parent's pipe shows in the process table",
  "R-6.1-4": "a runtime that refuses to serve is none that a target could lead to",
  "R-6.1-6": "whoever tries it is shut out himself, with all the scenarios that would follow",
  "R-14-5": "what is logged shows in the logs",
  "R-6.5-2": "what a runtime frees of its memory is not on the wire",
  "R-6.5-9": "a cut-off is its operator's choice, and no request sets one",
  "R-6.7-6": "no request shuts a runtime down gently",
  "R-9.2-7": "the test agents read no files and fetch nothing",
  "R-9.5-5": "the clock of the runtime is not in the kit's hands",
  "R-9.8-1": "neither the store nor a connection from another machine is in the kit's hands",
  "R-11-6": "spans are not on the wire",
  "R-D-6": "which feature the packages of one project know each other by is no matter of others",
};
