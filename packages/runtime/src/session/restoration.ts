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
  context: RestorationContext,
): Promise<readonly JobId[] | "fenced"> {
  const restoring = { stream, row, ...context };
  const delegated = await restoreNumbers(restoring);
  const { attach, detach, lost } = await restoreAttachments(restoring, delegated);
  const removed = await removedJobs(restoring);
  // Once the runs are gone, only the row would tell how far the session had read, and that holds where it began.
  const isChanged = attach.length + detach.length > 0;
  if (isChanged && (await stream.writer.commit({ attach, detach })) === "fenced") return "fenced";
  stream.removed(removed, true);
  return lost;
}

interface Restoring extends RestorationContext {
  readonly stream: Stream;
  readonly row: SessionRow;
}

/** @returns the jobs whose owner learns of them in the last run */
async function restoreNumbers(restoring: Restoring): Promise<ReadonlySet<JobId>> {
  const { stream, row, store, logs, turn } = restoring;
  const { id, principal, acked } = row;
  const { journal, features, lag } = stream;
  const runs = await store.runs(id);
  if (!runs.every(isReadable)) throw new DamagedRow(whatIsNonsense(id), principal);
  journal.open(runs);
  const { issued, delegated } =
    row.issued === undefined
      ? await impliedBy(runs.at(-1), logs, features, turn)
      : { issued: row.issued, delegated: NONE };
  journal.issue(issued);
  const hasWarned = runs.some(({ said }) => said !== undefined);
  lag?.restore(acked, issued, hasWarned);
  return delegated;
}

/** @returns what to store, and the jobs that the session only watched and no longer follows */
async function restoreAttachments(
  restoring: Restoring,
  delegated: ReadonlySet<JobId>,
): Promise<{ attach: AttachmentRow[]; detach: JobId[]; lost: JobId[] }> {
  const { attachments, losses, issued } = restoring.stream;
  const attach: AttachmentRow[] = [];
  const detach: JobId[] = [];
  const lost: JobId[] = [];
  const all = await followedBy(restoring, delegated);
  const found = await inLanes(READ_AT_ONCE, all, async ({ row, by }) => {
    await restoring.turn.spend("answering", JOB_STEPS);
    return { row, by, ...(await findPlace(restoring, row)) };
  });
  for (const { row, by, cursor, rest } of found) {
    const { job, role, request } = row;
    if (rest === "nothing") {
      if (by === "stored") detach.push(job);
    } else if (rest === "lost") {
      if (role === "owner") throw new DamagedLog(`the end of ${job} is lost`, cursor);
      // The row stays. If the client has not been told by the next restart, that restart finds the loss again.
      losses.add({ job, request }, issued, false);
      lost.push(job);
    } else {
      const now = { ...row, after: cursor };
      if (by === "delegated") attach.push(now);
      const seen = attachments.seen(job, role);
      const introduced = attachments.introduced(job, role);
      attachments.restore(new Attachment(now, { seen, introduced, derived: by === "owned" }));
    }
  }
  return { attach, detach, lost };
}

/** A job that the session follows. */
interface Followed {
  readonly row: AttachmentRow;
  /**
   * Why it does. `delegated`: the record that announces the job counts as issued and is not read again, though it may never have
   * been read. Its row must be stored now: the next process will have another last run and not look at that record.
   */
  readonly by: "stored" | "owned" | "delegated";
}

/** What the session follows: also a job that it owns is followed to its end, whether or not that is stored. */
async function followedBy(
  { stream: { journal }, row: { id }, store, jobs }: Restoring,
  delegated: ReadonlySet<JobId>,
): Promise<Followed[]> {
  const { issued: since } = journal;
  // An attachment newer than the issued numbers came from a delegation record that was never sent. That record is read again.
  const rows = (await store.attachments(id)).filter((row) => row.since <= since);
  const followed = rows.map((row): Followed => ({ row, by: "stored" }));
  const known = new Set(rows.map(({ job }) => job));
  for (const job of jobs.ownedBy(id)) {
    if (known.has(job) || (jobs.isDelegated(job) && !delegated.has(job))) continue;
    const row = { job, role: "owner", after: journal.reached(job), since } as const;
    followed.push({ row, by: delegated.has(job) ? "delegated" : "owned" });
  }
  return followed;
}

/** @returns how far the session has read a job; and what is left to read of it, which is lost if its end will never come */
async function findPlace(
  { stream, logs, jobs }: Restoring,
  { job, since, after }: AttachmentRow,
): Promise<{ cursor: number; rest: "nothing" | "lost" | "some" }> {
  // The last run since the attachment was made, if any, tells how far it read.
  const cursor = stream.journal.readSince(job, since) ?? after;
  const isOver = await isFinished(job, cursor, logs);
  // A crash may have interrupted a removal: a log that was read before and is gone now will not return.
  const mayBeRemoved = cursor > 0 || !jobs.has(job);
  if (isOver || (mayBeRemoved && (await isRemoved(job, logs)))) return { cursor, rest: "nothing" };
  // A log without a row means that the row is lost, and nobody will end that job.
  return { cursor, rest: isOver === undefined || !jobs.has(job) ? "lost" : "some" };
}

/**
 * The jobs that the session has read and that were removed since.
 * @throws DamagedLog if the session owned a job whose row is lost, and has not read its end
 */
async function removedJobs(restoring: Restoring): Promise<readonly JobId[]> {
  const { stream, row, logs, jobs, turn } = restoring;
  const { journal } = stream;
  // If the session owns the job, a missing log means that its removal is still in progress.
  const kept = new Set(jobs.ownedBy(row.id));
  const read = [...journal.jobs].filter((job) => !kept.has(job));
  const removed: JobId[] = [];
  await inLanes(READ_AT_ONCE, read, async (job) => {
    await turn.spend("answering", JOB_STEPS);
    if (await isRemoved(job, logs)) return void removed.push(job);
    if (jobs.has(job) || journal.roleUpTo(job, journal.issued) !== "owner") return;
    const cursor = journal.reached(job);
    if (!(await isFinished(job, cursor, logs))) {
      throw new DamagedLog(`the row of ${job} is lost`, cursor);
    }
  });
  return removed;
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
