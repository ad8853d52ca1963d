import type { JobId } from "@arcp/core";
import type { LogPage, LogRecord, LogStore } from "../store/index.ts";
import type { Attachment } from "./attachment.ts";
import type { Child } from "./attachments.ts";
import type { Introduction, Newcomer } from "./introduction.ts";
import type { Stream } from "./stream.ts";

export interface NewcomersContext {
  readonly logs: LogStore;
  /** What introduces a delegated job to its owner; undefined when it is kept no longer. */
  introduction(job: JobId): Promise<Introduction | undefined>;
}

/** Whether a job is delegated in what its owner reads. Nearly no page has one, and each is asked. */
export function mayDelegate({ role }: Attachment, { records }: LogPage): boolean {
  return role === "owner" && records.some(({ kind }) => kind === "delegate");
}

/**
 * The jobs that are delegated in what the owner of their parent reads for the first time, by the record that tells of each,
 * unless it knows them (R-10-2).
 * @param cursor behind which the page was read
 */
export async function newcomersIn(
  { floor, records }: LogPage,
  attachment: Attachment,
  cursor: number,
  stream: Stream,
  context: NewcomersContext,
): Promise<ReadonlyMap<LogRecord, Newcomer>> {
  const newcomers = new Map<LogRecord, Newcomer>();
  const start = attachment.startIn(floor, cursor);
  for (const [index, record] of records.entries()) {
    if (record.kind !== "delegate" || start + index < attachment.told) continue;
    const child = delegatedIn(record);
    if (stream.attachments.knows(child)) continue;
    const introduction = await context.introduction(child);
    if (introduction === undefined) continue;
    const old = start + index < attachment.seen;
    newcomers.set(
      record,
      old ? await inherited(introduction, context.logs) : { introduction, history: undefined },
    );
  }
  return newcomers;
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
  const told = { ...introduction, payload: { ...payload, truncated: true } };
  return { introduction: told, history: { floor, head } };
}

/** The child that a record of a delegation names. */
export function delegatedIn({ text }: LogRecord): JobId {
  const { payload } = JSON.parse(`{${text}`) as { payload: { body: { child_job_id: JobId } } };
  return payload.body.child_job_id;
}
