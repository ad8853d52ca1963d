import type { StreamEnvelope } from "../wire/stream-envelope.ts";

/** The bodies of the events of these kinds, in order. */
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

/** Omits the notice that an agent runs, which a runtime should send but may omit (R-7.3-5). */
export function withoutStarts(envelopes: readonly StreamEnvelope[]): StreamEnvelope[] {
  return envelopes.filter((envelope) => bodiesOf([envelope], "status")[0]?.phase !== "running");
}

/** The kinds of the events, and the types of other envelopes, in order; without the notices that an agent runs. */
export function kindsOf(envelopes: readonly StreamEnvelope[]): string[] {
  return withoutStarts(envelopes).map((envelope) =>
    envelope.type === "job.event" ? envelope.payload.kind : envelope.type,
  );
}
