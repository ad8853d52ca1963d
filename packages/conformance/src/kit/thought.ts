import type { Step } from "../test-agents/step.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

/** A step that emits an event that its text tells from all others. */
export function thought(text: string): Extract<Step, { do: "thought" }> {
  return { do: "thought", text };
}

/** This many events in a row, each with a text of this many characters. */
export function thoughts(times: number, length = 1): Extract<Step, { do: "repeat" }> {
  return { do: "repeat", times, steps: [thought("x".repeat(length))] };
}

/**
 * Awaits the event with this text, skipping earlier ones.
 *
 * @returns its `event_seq`
 */
export async function reached(wire: WireClient, text: string): Promise<number> {
  const all = await wire.until(isThought(text));
  return all.at(-1)?.event_seq ?? 0;
}

/** Finds the event with this text. */
export function isThought(text: string): (envelope: StreamEnvelope) => boolean {
  return (envelope) => textOf(envelope) === text;
}

/** The texts of all thoughts among the envelopes, in their order. */
export function thoughtsIn(envelopes: readonly StreamEnvelope[]): string[] {
  return envelopes.flatMap((envelope) => textOf(envelope) ?? []);
}

function textOf(envelope: StreamEnvelope): string | undefined {
  if (envelope.type !== "job.event" || envelope.payload.kind !== "thought") return undefined;
  const text: unknown = envelope.payload.body["text"];
  return typeof text === "string" ? text : undefined;
}
