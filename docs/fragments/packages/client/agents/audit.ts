import { defineAgent } from "@arcp/runtime";
import { z } from "zod";

/** The agent that the pages of the client import the type of. */
export const audit = defineAgent({
  name: "code-audit",
  input: z.object({ root: z.string() }),
  output: z.object({ findings: z.array(z.string()) }),
  events: { "x-vendor.acme.confidence": z.object({ score: z.number() }) },
  run: async () => ({ findings: [] }),
});
