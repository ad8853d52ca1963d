import {
  type Envelope,
  type EnvelopeHeader,
  isObject,
  type KnownEvent,
  type OpaqueEvent,
  readEvent,
  type VendorEvent,
} from "@arcp/core";

interface EventPlace {
  /** The event's number in this session, over all its jobs. */
  readonly seq: number;
  /** Its number within its job, the same for every viewer; undefined for events of the session itself (R-7.6-11). */
  readonly jobSeq: number | undefined;
  /** When the agent emitted it, RFC 3339. */
  readonly ts: string | undefined;
}

/**
 * One event of a job; `kind` narrows `body`. A vendor event keeps its kind; its body is unchecked unless the agent's
 * definition gives its type. An event that this client does not know, or cannot decode, has the kind `opaque`
 * (R-8.1-3).
 */
export type JobEvent<Vendor = VendorEvent> =
  | ((KnownEvent | Vendor | OpaqueEvent) & EventPlace)
  | HistoryLost;

/**
 * Inserted by the client itself in place of events that the runtime no longer keeps: all those between `after`, a job
 * event number, and the next event. It has no number in the stream.
 */
export type HistoryLost = EventPlace & {
  readonly kind: "history_lost";
  readonly body: { readonly after: number };
};

export function historyLost(after: number): HistoryLost {
  return { kind: "history_lost", body: { after }, seq: 0, jobSeq: undefined, ts: undefined };
}

export function readJobEvent(envelope: Envelope<"job.event">): JobEvent {
  const { event_seq: seq = 0, job_seq: jobSeq, payload } = envelope;
  return { ...readEvent(payload), seq, jobSeq, ts: payload.ts };
}

/** An event whose payload does not even have the form of an event: passed on as received. */
export function readBrokenEvent(header: EnvelopeHeader, payload: unknown): JobEvent {
  const body: Record<string, unknown> = isObject(payload) ? payload : { payload };
  const { kind, ts } = body;
  return {
    kind: "opaque",
    name: typeof kind === "string" ? kind : "",
    body,
    seq: header.event_seq ?? 0,
    jobSeq: header.job_seq,
    ts: typeof ts === "string" ? ts : undefined,
  };
}
