import { type AnyAgent, defineAgent } from "@arcp/runtime";
import { z } from "zod";
import type { Gates } from "./gates.ts";

/**
 * An agent whose submit stays pending, neither accepted nor refused, until the gate that its input names is open: `{ gate }`. Then
 * it is accepted and returns the name of the gate.
 */
export function heldAgent(gates: Gates): AnyAgent {
  return defineAgent({
    name: "conformance.held",
    input: z.strictObject({ gate: z.string() }).refine(async ({ gate }) => {
      await gates.opened(gate);
      return true;
    }),
    run: (_ctx, { gate }) => gate,
  });
}
