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
  /** What introduces a delegated job to its owner; undefined when it is kept no longer. */
  introduction(job: JobId): Promise<Introduction | undefined>;
  /** The jobs that this one has delegated and the session owns. */
  children(parent: JobId, session: SessionId): Promise<readonly JobId[]>;
}

/** What an owner reads next. */
export interface Stretch {
  readonly attachment: Attachment;
  /** Up to where it is known what the job has delegated. */
  readonly introduced: number;
  /** Behind which it is read: what is in between is skipped. */
  readonly start: number;
  readonly records: readonly LogRecord[];
}

/** The jobs that an owner comes across with what it reads. */
export interface Newcomers {
  /** Those that what is skipped may have told of. */
  readonly missed: readonly Newcomer[];
  /** By the record that tells of each. */
  readonly byRecord: ReadonlyMap<LogRecord, Newcomer>;
}

/** Whether a job may be come across for the first time. Nearly no page brings one, and each is asked. */
export function mayBring({ attachment: { role }, introduced, start, records }: Stretch): boolean {
  return (
    role === "owner" && (start > introduced || records.some(({ kind }) => kind === "delegate"))
  );
}

/**
 * The jobs that are delegated in what the owner of their parent comes to for the first time: each by the record that tells of
 * it (R-10-2) or, where records are skipped, by the index, since nobody knows any more what they told.
 * @param knows whether a job is none that it would come across
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
    // There may be any number of them (J4).
    await turn.spend("projecting", 1);
  }
  return { missed, byRecord };
}

/** @param since the number of the record that tells of it, or a later one of the same batch */
export function childOf({ introduction, history }: Newcomer, since: number): Child {
  const { floor, head } = history ?? { floor: 0, head: 0 };
  return {
    row: { job: introduction.job_id, role: "owner", after: floor, since },
    beginning: history && { seen: head, head, truncated: floor > 0 },
  };
}

/** Of its history the owner has what is still there: it was delegated for somebody else (R-7.2-8). */
async function inherited(introduction: Introduction, logs: LogStore): Promise<Newcomer> {
  const { job_id: job, payload } = introduction;
  const { floor, head } = await logs.read(job, 0, { records: 0, characters: 0 });
  if (floor === 0) return { introduction, history: { floor, head } };
  const truncated = { ...introduction, payload: { ...payload, truncated: true } };
  return { introduction: truncated, history: { floor, head } };
}
