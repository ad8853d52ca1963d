import {
  type JobId,
  newJobId,
  newMessageId,
  newSecret,
  newSessionId,
  newTraceId,
  type SessionId,
} from "@arcp/core";
import type {
  AttachmentRow,
  CredentialRow,
  IdempotencyRecord,
  JobRow,
  ListedJob,
  LogRecord,
  RecordKind,
  Run,
  SessionRow,
  Store,
} from "@arcp/runtime/store";

/** More than any page of the contract. */
export const EVERYTHING = { records: 1_000_000, characters: 1_000_000_000 };

export function record(text: string, kind: RecordKind = "event"): LogRecord {
  return { kind, text };
}

/** Records with the texts `${from}`, `${from + 1}` and so on. */
export function records(from: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, index) => record(`${from + index}`));
}

export async function textsOf(store: Store, job: JobId, after = 0): Promise<string[]> {
  const page = await store.logs.read(job, after, EVERYTHING);
  return page.records.map(({ text }) => text);
}

export function jobRow(given: Partial<JobRow> = {}): JobRow {
  return {
    id: newJobId(),
    principal: "alice",
    session: newSessionId(),
    features: ["ack", "progress"],
    request: newMessageId(),
    agent: "research@1.0.0",
    input: '{"topic":"owls"}',
    lease: { "tool.call": ["web.*"] },
    traceId: newTraceId(),
    acceptedAt: 1_790_000_000_000,
    status: "pending",
    ...given,
  };
}

/** As a listing returns it. */
export function listed({ input: _, checkpoint: __, ...row }: JobRow): ListedJob {
  return row;
}

export function sessionRow(given: Partial<SessionRow> = {}): SessionRow {
  return {
    id: newSessionId(),
    principal: "alice",
    features: ["ack"],
    epoch: 1,
    tokens: [newSecret()],
    acked: 0,
    ...given,
  };
}

export function ownerRun(from: number, job: JobId, jobFrom: number): Run {
  return { from, job, jobFrom, role: "owner" };
}

export function attachmentRow(job: JobId, given: Partial<AttachmentRow> = {}): AttachmentRow {
  return { job, role: "owner", after: 0, since: 0, ...given };
}

export function idempotencyRecord(given: Partial<IdempotencyRecord> = {}): IdempotencyRecord {
  return {
    principal: "alice",
    key: "a-key",
    fingerprint: "f".repeat(64),
    job: newJobId(),
    acceptedAt: 1_790_000_000_000,
    ...given,
  };
}

export function credentialRow(given: Partial<CredentialRow> = {}): CredentialRow {
  return {
    alias: newMessageId("cred_"),
    job: newJobId(),
    provisioner: "llm",
    askedAt: 1_790_000_000_000,
    ...given,
  };
}

/** Everything that a store knows of a session. */
export async function stateOf({ sessions }: Store, id: SessionId): Promise<unknown> {
  return {
    row: await sessions.get(id),
    attachments: await sessions.attachments(id),
    runs: await sessions.runs(id),
  };
}
