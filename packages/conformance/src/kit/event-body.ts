import type { StreamEnvelope } from "../wire/stream-envelope.ts";

/** The bodies of the events of some kinds, in order. */
export function bodiesOf(
  envelopes: readonly StreamEnvelope[],
  ...kinds: readonly string[]
): Readonly<Record<string, unknown>>[] {
  return envelopes.flatMap((envelope) =>
    envelope.type === "job.event" && kinds.includes(envelope.payload.kind)
      ? [envelope.payload.body]
      : [],
  );
}

/** The kinds of the events, and the types of what is no event, in order. */
export function kindsOf(envelopes: readonly StreamEnvelope[]): string[] {
  return envelopes.map((envelope) =>
    envelope.type === "job.event" ? envelope.payload.kind : envelope.type,
  );
}
