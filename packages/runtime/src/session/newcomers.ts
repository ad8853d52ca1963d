import type { JobId, SessionId } from "@arcp/core";
import type { LogRecord, LogStore } from "../store/index.ts";
import { delegatedIn } from "../store/record-text.ts";
import type { Turn } from "../turn.ts";
import type { Attachment } from "./attachment.ts";
import type { Child } from "./attachments.ts";
import type { Introduction, Newcomer } from "./introduction.ts";

export interface NewcomersContext {
  readonly logs: LogStore;
  readonly turn: Turn;
  /** The message that announces a delegated job to its owner; undefined if the job is no longer kept. */
  introduction(job: JobId): Promise<Introduction | undefined>;
  /** The jobs that `parent` has delegated and the session owns. */
  children(parent: JobId, session: SessionId): Promise<readonly JobId[]>;
}

/** The next part of a job's log that its owner reads. */
export interface Stretch {
  readonly attachment: Attachment;
  /** Up to which `job_seq` the job's delegations are known. */
  readonly introduced: number;
  /** Reading starts after this record. Those between `introduced` and it are skipped. */
  readonly start: number;
  readonly records: readonly LogRecord[];
}

/** Jobs that an owner learns of from what it reads. */
export interface Newcomers {
  /** Jobs that skipped records may have announced. */
  readonly missed: readonly Newcomer[];
  /** Jobs by the record that announces them. */
  readonly byRecord: ReadonlyMap<LogRecord, Newcomer>;
}

/** Whether this part may announce a job for the first time. Nearly no page does, and every page is checked. */
export function mayBring({ attachment: { role }, introduced, start, records }: Stretch): boolean {
  return (
    role === "owner" && (start > introduced || records.some(({ kind }) => kind === "delegate"))
  );
}

/**
 * Finds the delegated jobs that the parent's owner learns of: each from the record that announces it (R-10-2) or, where records are
 * skipped, from the index, because their contents are no longer known.
 * @param knows whether the session already knows a job
 */
export async function newcomersIn(
  { attachment, introduced, start, records }: Stretch,
  session: SessionId,
  knows: (job: JobId) => boolean,
  { logs, turn, introduction, children }: NewcomersContext,
): Promise<Newcomers> {
  const byRecord = new Map<LogRecord, Newcomer>();
  const met = new Set<JobId>();
  for (const [index, record] of records.entries()) {
    if (record.kind !== "delegate" || start + index < introduced) continue;
    const child = delegatedIn(record);
    if (child === undefined || knows(child)) continue;
    const acceptance = await introduction(child);
    if (acceptance === undefined) continue;
    met.add(child);
    const isOld = start + index < attachment.seen;
    const newcomer = { introduction: acceptance, history: undefined };
    byRecord.set(record, isOld ? await inherited(acceptance, logs) : newcomer);
  }
  const missed: Newcomer[] = [];
  for (const child of start > introduced ? await children(attachment.job, session) : []) {
    if (met.has(child) || knows(child)) continue;
    const acceptance = await introduction(child);
    if (acceptance !== undefined) missed.push(await inherited(acceptance, logs));
    // There may be any number of children (J4).
    await turn.spend("projecting", 1);
  }
  return { missed, byRecord };
}

/** @param since the number of the announcing record, or a later one of the same batch */
export function childOf({ introduction, history }: Newcomer, since: number): Child {
  const { floor, head } = history ?? { floor: 0, head: 0 };
  return {
    row: { job: introduction.job_id, role: "owner", after: floor, since },
    beginning: history && { seen: head, head, truncated: floor > 0 },
  };
}

/** The owner gets what is still there of the history: the job was delegated on behalf of somebody else (R-7.2-8). */
async function inherited(introduction: Introduction, logs: LogStore): Promise<Newcomer> {
  const { job_id: job, payload } = introduction;
  const { floor, head } = await logs.read(job, 0, { records: 0, characters: 0 });
  if (floor === 0) return { introduction, history: { floor, head } };
  const truncated = { ...introduction, payload: { ...payload, truncated: true } };
  return { introduction: truncated, history: { floor, head } };
}
