import type { JobId, SessionId } from "@arcp/core";
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
  /** Those that a session owns, whether it has read them or not. */
  ownedBy(session: SessionId): readonly JobId[];
  /** Whether the record that tells of its delegation, in its parent's log, brings it to its owner. */
  isDelegated(job: JobId): boolean;
}

export interface RestorationContext {
  readonly store: SessionStore;
  readonly logs: ReadableLogStore;
  readonly jobs: KeptJobs;
  readonly turn: Pick<Turn, "spend">;
}

/** What a job that a session knows costs of a turn of the event loop. */
const JOB_STEPS = 4;

/**
 * Brings a parked session's stream back from the store: what its numbers mean, how far it got in each job, and what it
 * still has to read. What a crash left unsaid is told by the log: every number that the open run implies may have been
 * sent, so all of them count as issued (P1).
 *
 * @returns the jobs that it only watches, and follows no more, as nobody knows any more whether it has read their ends
 * @throws DamagedRow, or DamagedLog, when nobody can tell any more what its numbers mean, or what becomes of what it owns: then
 *   nothing was changed
 */
export async function restoreStream(
  stream: Stream,
  row: SessionRow,
  { store, logs, jobs, turn }: RestorationContext,
): Promise<readonly JobId[]> {
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
  // A delegation whose record was numbered and never sent is read once more.
  const attachments = rows.filter(({ since }) => since <= stream.issued);
  const known = new Set(attachments.map(({ job }) => job));
  const owned = jobs.ownedBy(row.id);
  // What it owns it follows to the end, whether that was written down or not. A record that counts as issued is not read
  // again, and may never have been read: then nobody else brings what it tells of.
  const unknown = owned
    .filter((job) => !known.has(job) && (!jobs.isDelegated(job) || delegated.has(job)))
    .map((job): AttachmentRow => {
      const after = stream.journal.reached(job);
      return { job, role: "owner", after, since: stream.issued };
    });
  const over: JobId[] = [];
  const begun: AttachmentRow[] = [];
  const lost: JobId[] = [];
  for (const attachment of [...attachments, ...unknown]) {
    const { job } = attachment;
    await turn.spend("answering", JOB_STEPS);
    // Its last run tells, if it has one since it was made.
    const cursor = stream.journal.readSince(job, attachment.since) ?? attachment.after;
    // A crash may have come in the middle of a removal: of a log that was read nothing comes any more.
    const mayBeRemoved = cursor > 0 || !jobs.has(job);
    const isOver = await isFinished(job, cursor, logs);
    if (isOver || (mayBeRemoved && (await isRemoved(job, logs)))) {
      if (known.has(job)) over.push(job);
      continue;
    }
    // No log is there without a row, but where that is lost: nobody ends that job.
    if (isOver === undefined || !jobs.has(job)) {
      if (attachment.role === "owner") throw new DamagedLog(`the end of ${job} is lost`, cursor);
      // The row stays: whoever restores the session next finds that once more, should the client not have been told by then.
      stream.losses.add({ job, request: attachment.request }, stream.issued, false);
      lost.push(job);
      continue;
    }
    const seen = stream.attachments.seen(job, attachment.role);
    const row = { ...attachment, after: cursor };
    const introduced = stream.attachments.introduced(job, attachment.role);
    // That record will not be looked at by the next process, which has another last run.
    if (!known.has(job) && delegated.has(job)) begun.push(row);
    const derived = !known.has(job) && !delegated.has(job);
    stream.attachments.restore(new Attachment(row, { seen, introduced, derived }));
  }
  const kept = new Set(owned);
  const removed: JobId[] = [];
  for (const job of stream.journal.jobs) {
    // A job of its own without a log is still being removed.
    if (kept.has(job)) continue;
    await turn.spend("answering", JOB_STEPS);
    if (await isRemoved(job, logs)) removed.push(job);
    else if (!jobs.has(job)) await checkRead(job, stream, logs);
  }
  // Once its runs are gone, nothing but the row would tell how far it had read, and that says where it began.
  if (over.length + begun.length > 0) await stream.writer.commit({ attach: begun, detach: over });
  stream.removed(removed, true);
  return lost;
}

/** @throws DamagedLog when it owned a job whose row is lost, and has not read its end */
async function checkRead(job: JobId, { journal }: Stream, logs: ReadableLogStore): Promise<void> {
  if (journal.roleUpTo(job, journal.issued) !== "owner") return;
  const cursor = journal.reached(job);
  if (await isFinished(job, cursor, logs)) return;
  throw new DamagedLog(`the row of ${job} is lost`, cursor);
}

/** Whether what the session said itself is the rest of an envelope. */
function isReadable({ said }: Run): boolean {
  return said === undefined || objectIn(`{${said}`) !== undefined;
}

function whatIsNonsense(session: SessionId): string {
  return `the store is damaged: what the session ${session} said is not what was written; restore the store from a backup`;
}

const NONE: ReadonlySet<JobId> = new Set();

/** What the last run stands for, by what is in the log now. */
interface Implied {
  /** The highest number. */
  readonly issued: number;
  /** Jobs of which its owner learns there. */
  readonly delegated: ReadonlySet<JobId>;
}

async function impliedBy(
  run: Run | undefined,
  logs: ReadableLogStore,
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
    // Below the floor nothing can be told apart: a resume from there is refused anyway (P3).
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

/** A job that has records for the session to have read, and no log, was removed. */
async function isRemoved(job: JobId, logs: ReadableLogStore): Promise<boolean> {
  return (await logs.read(job, 0, { records: 0, characters: 0 })).head === 0;
}
