import type { Feature, Frame, JobId, SessionId } from "@arcp/core";
import type { OpenVault } from "../authority/vault.ts";
import type { Dialect } from "../dialect/dialect.ts";
import type { LogRecord, Role } from "../store/index.ts";

/** Who looks at a record. All of it is fixed when the attachment is made (P2). */
export interface Viewer {
  /** Pinned by the session's first welcome. */
  readonly features: ReadonlySet<string>;
  readonly role: Role;
}

const needs: Partial<Record<LogRecord["kind"], Feature>> = {
  progress: "progress",
  result_chunk: "result_chunk",
  budget: "cost.budget",
  credential_rotated: "provisioned_credentials",
};

/**
 * Whether this viewer may see the record (R-6.2-5, R-7.6-9).
 *
 * - **P2** Depends only on the record, the role and the pinned features, never on time, so that an issued number stands for the
 *   same record in every replay.
 */
export function isVisible(record: LogRecord, { features, role }: Viewer): boolean {
  const feature = needs[record.kind];
  if (feature !== undefined && !features.has(feature)) return false;
  return record.kind !== "credential_rotated" || role === "owner";
}

/** The part of a frame before its number and the record's own text. */
export function framePrefix(session: SessionId): string {
  return `{"arcp":"1.1","session_id":${JSON.stringify(session)},"event_seq":`;
}

/** How the records that a viewer may see are rendered. */
export interface Rendering {
  readonly vault: OpenVault;
  readonly dialect: Pick<Dialect, "rewrites">;
}

/**
 * The frame for this viewer under this number: the record's text verbatim, unless the dialect rewrites it.
 *
 * - **P4** The log holds no secret: the value of a rotated credential comes from the vault while the job lives, and is left out
 *   afterwards (R-9.8-11).
 */
export function renderFrame(
  prefix: string,
  seq: number,
  job: JobId,
  record: LogRecord,
  { vault, dialect }: Rendering,
): Frame {
  const { kind, long } = record;
  const head = `${prefix}${seq},`;
  const rewrite = dialect.rewrites?.[kind];
  if (long !== undefined && rewrite === undefined) return [head, long];
  const text = kind === "credential_rotated" ? reveal(job, record.text, vault) : record.text;
  return head + (rewrite === undefined ? text : rewrite(text));
}

function reveal(job: JobId, text: string, vault: OpenVault): string {
  const envelope = JSON.parse(`{${text}`) as { payload: { body: { id: string; value?: string } } };
  const value = vault.reveal(job, envelope.payload.body.id);
  if (value === undefined) return text;
  envelope.payload.body.value = value;
  return JSON.stringify(envelope).slice(1);
}
