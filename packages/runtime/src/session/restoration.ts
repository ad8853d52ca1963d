import type { JobId, SessionId } from "@arcp/core";
import { inLanes } from "../lanes.ts";
import { DamagedLog, DamagedRow } from "../store/damage.ts";
import type { AttachmentRow, Run, SessionRow, SessionStore } from "../store/index.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";
import { delegatedIn, objectIn } from "../store/record-text.ts";
import type { Turn } from "../turn.ts";
import { Attachment, isFinished } from "./attachment.ts";
import type { Stream } from "./stream.ts";
import { isVisible } from "./view.ts";

/** The jobs that are kept. */
export interface KeptJobs {
  has(job: JobId): boolean;
  /** The jobs that a session owns, whether it has read them or not. */
  ownedBy(session: SessionId): readonly JobId[];
  /** Whether the job's owner learns of it from the record in its parent's log. */
  isDelegated(job: JobId): boolean;
}

export interface RestorationContext {
  readonly store: SessionStore;
  readonly logs: Pick<ReadableLogStore, "read">;
  readonly jobs: KeptJobs;
  readonly turn: Pick<Turn, "spend">;
}

/** What each job that a session knows costs of the turn's budget. */
const JOB_STEPS = 4;

/** Jobs of one session whose logs are read at a time. */
const READ_AT_ONCE = 8;

/**
 * Restores a parked session's stream from the store: what its numbers stand for, how far it got in each job, and what it still has
 * to read. What a crash kept from being stored is derived from the log: every number that the open run implies may have been sent,
 * so all of them count as issued (P1).
 *
 * @returns the jobs that the session only watched and no longer follows, because it is unknown whether it has read their ends;
 *   `fenced` if another runtime has taken the session over
 * @throws DamagedRow or DamagedLog if the meaning of its numbers, or the fate of a job that it owns, is no longer known; nothing
 *   was changed then
 */
export async function restoreStream(
  stream: Stream,
  row: SessionRow,
  { store, logs, jobs, turn }: RestorationContext,
): Promise<readonly JobId[] | "fenced"> {
  const runs = await store.runs(row.id);
  if (!runs.every(isReadable)) throw new DamagedRow(whatIsNonsense(row.id), row.principal);
  const rows = await store.attachments(row.id);
  const features = new Set(row.features);
  stream.journal.open(runs);
  const { issued, delegated } =
    row.issued === undefined
      ? await impliedBy(runs.at(-1), logs, features, turn)
      : { issued: row.issued, delegated: NONE };
  stream.journal.issue(issued);
  stream.lag?.restore(
    row.acked,
    stream.issued,
    runs.some(({ said }) => said !== undefined),
  );
  // An attachment newer than the issued numbers came from a delegation record that was never sent. That record is read again.
  const attachments = rows.filter(({ since }) => since <= stream.issued);
  const known = new Set(attachments.map(({ job }) => job));
  const owned = jobs.ownedBy(row.id);
  // A session follows every job that it owns to its end, whether or not that is stored. A delegation record that counts as issued
  // is not read again, though it may never have been read; so the job that it announces is attached here.
  const unknown = owned
    .filter((job) => !known.has(job) && (!jobs.isDelegated(job) || delegated.has(job)))
    .map((job): AttachmentRow => {
      const after = stream.journal.reached(job);
      return { job, role: "owner", after, since: stream.issued };
    });
  const over: JobId[] = [];
  const begun: AttachmentRow[] = [];
  const lost: JobId[] = [];
  const followed = await inLanes(READ_AT_ONCE, [...attachments, ...unknown], async (attachment) => {
    const { job } = attachment;
    await turn.spend("answering", JOB_STEPS);
    // The last run since the attachment was made, if any, tells how far it read.
    const cursor = stream.journal.readSince(job, attachment.since) ?? attachment.after;
    // A crash may have interrupted a removal: a log that was read before and is gone now will not return.
    const mayBeRemoved = cursor > 0 || !jobs.has(job);
    const isOver = await isFinished(job, cursor, logs);
    const isGone = isOver || (mayBeRemoved && (await isRemoved(job, logs)));
    return { attachment, cursor, isOver, isGone };
  });
  for (const { attachment, cursor, isOver, isGone } of followed) {
    const { job } = attachment;
    if (isGone) {
      if (known.has(job)) over.push(job);
      continue;
    }
    // A log without a row means that the row is lost, and nobody will end that job.
    if (isOver === undefined || !jobs.has(job)) {
      if (attachment.role === "owner") throw new DamagedLog(`the end of ${job} is lost`, cursor);
      // The row stays. If the client has not been told by the next restart, that restart finds the loss again.
      stream.losses.add({ job, request: attachment.request }, stream.issued, false);
      lost.push(job);
      continue;
    }
    const seen = stream.attachments.seen(job, attachment.role);
    const row = { ...attachment, after: cursor };
    const introduced = stream.attachments.introduced(job, attachment.role);
    // Must be stored, because the next process will have another last run and not look at that record.
    if (!known.has(job) && delegated.has(job)) begun.push(row);
    const derived = !known.has(job) && !delegated.has(job);
    stream.attachments.restore(new Attachment(row, { seen, introduced, derived }));
  }
  const kept = new Set(owned);
  const removed: JobId[] = [];
  // If the session owns the job, a missing log means that its removal is still in progress.
  const read = [...stream.journal.jobs].filter((job) => !kept.has(job));
  await inLanes(READ_AT_ONCE, read, async (job) => {
    await turn.spend("answering", JOB_STEPS);
    if (await isRemoved(job, logs)) removed.push(job);
    else if (!jobs.has(job)) await checkRead(job, stream, logs);
  });
  // Once the runs are gone, only the row would tell how far the session had read, and that holds where it began.
  const isChanged = over.length + begun.length > 0;
  const change = { attach: begun, detach: over };
  if (isChanged && (await stream.writer.commit(change)) === "fenced") return "fenced";
  stream.removed(removed, true);
  return lost;
}

/** @throws DamagedLog if the session owned a job whose row is lost, and has not read its end */
async function checkRead(
  job: JobId,
  { journal }: Stream,
  logs: RestorationContext["logs"],
): Promise<void> {
  if (journal.roleUpTo(job, journal.issued) !== "owner") return;
  const cursor = journal.reached(job);
  if (await isFinished(job, cursor, logs)) return;
  throw new DamagedLog(`the row of ${job} is lost`, cursor);
}

/** Whether the session's own message is a valid rest of an envelope. */
function isReadable({ said }: Run): boolean {
  return said === undefined || objectIn(`{${said}`) !== undefined;
}

function whatIsNonsense(session: SessionId): string {
  return `the store is damaged: what the session ${session} said is not what was written; restore the store from a backup`;
}

const NONE: ReadonlySet<JobId> = new Set();

/** What the last run stands for, according to the log. */
interface Implied {
  /** The highest number. */
  readonly issued: number;
  /** Jobs whose owner learns of them in this run. */
  readonly delegated: ReadonlySet<JobId>;
}

async function impliedBy(
  run: Run | undefined,
  logs: RestorationContext["logs"],
  features: ReadonlySet<string>,
  turn: Pick<Turn, "spend">,
): Promise<Implied> {
  if (run === undefined) return { issued: 0, delegated: NONE };
  if (run.said !== undefined) return { issued: run.from, delegated: NONE };
  if (run.to !== undefined) return { issued: run.to, delegated: NONE };
  const viewer = { features, role: run.role };
  const delegated = new Set<JobId>();
  for (let cursor = run.jobFrom - 1; ; ) {
    const page = await logs.read(run.job, cursor, { records: 256, characters: 1024 * 1024 });
    // Records below the floor cannot be examined; a resume from there is refused anyway (P3).
    cursor = Math.max(cursor, page.floor);
    const hidden = page.records.findIndex((record) => !isVisible(record, viewer));
    const visible = hidden === -1 ? page.records : page.records.slice(0, hidden);
    for (const record of run.role === "owner" ? visible : []) {
      const child = record.kind === "delegate" ? delegatedIn(record) : undefined;
      if (child !== undefined) delegated.add(child);
    }
    const end = cursor + visible.length;
    if (hidden !== -1 || end >= page.head) {
      return { issued: run.from + end - run.jobFrom, delegated };
    }
    cursor = end;
    await turn.spend("answering", visible.length);
  }
}

/** Whether the job was removed: the session had records to read, and there is no log. */
async function isRemoved(job: JobId, logs: RestorationContext["logs"]): Promise<boolean> {
  return (await logs.read(job, 0, { records: 0, characters: 0 })).head === 0;
}
