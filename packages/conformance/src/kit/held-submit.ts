import type { WireMessage } from "../wire/sent.ts";
import { agent } from "./need.ts";
import type { Gate } from "./site.ts";

/** A runtime whose agent `conformance.held` keeps a submit pending. */
export const heldSubmits = agent("conformance.held");

/** A submit that stays pending until the gate is open, and is then accepted. */
export function heldSubmit(id: string, { step }: Gate): WireMessage {
  const input = { gate: step.gate };
  return { type: "job.submit", id, payload: { agent: "conformance.held", input } };
}
