import type { JobId } from "@arcp/core";
import type { Announcement } from "./announcement.ts";
import { acceptanceOf } from "./jobs/acceptance.ts";
import type { Session } from "./session/session.ts";
import type { Stream } from "./session/stream.ts";
import type { JobIndex, Role } from "./store/index.ts";
import type { Turn } from "./turn.ts";

/** What the look at a job's row costs of a turn of the event loop. */
const ROW_STEPS = 4;

/**
 * What has to be said again to a client that has seen `after`: the acceptances of jobs of which it has seen nothing yet, or
 * nothing as their owner (R-6.3-8). It stands before their events, which are nobody's to a client that has not been told
 * (R-7.2-8).
 * @param stored as {@link addStored} found them
 */
export function missedAcceptances(
  { stream, submits }: Pick<Session, "stream" | "submits">,
  after: number,
  stored: StoredAcceptances,
): Announcement[] {
  // One that waits for the store is said as soon as that has what it tells (J2).
  const unsaid = [...unseen(stream, after).keys()].filter((job) => !submits.isGiving(job));
  return unsaid.flatMap((job) => submits.acceptance(job) ?? stored.get(job) ?? []);
}

/** What the store tells of jobs, undefined for those that it does not have any more. */
export type StoredAcceptances = ReadonlyMap<JobId, Announcement | undefined>;

/** Whether some of them have still to be looked up in the store: others may have been accepted since it was asked. */
export function areUnknown(session: Session, after: number, stored: StoredAcceptances): boolean {
  return unknown(session, after, stored).length > 0;
}

/** Looks those of them up that only the store remembers. */
export async function addStored(
  session: Session,
  after: number,
  { index, turn }: { readonly index: JobIndex; readonly turn: Pick<Turn, "spend"> },
  stored: Map<JobId, Announcement | undefined>,
): Promise<void> {
  const { stream, submits } = session;
  for (const [job, { begins }] of unknown(session, after, stored)) {
    // There may be any number of them (J4).
    await turn.spend("answering", ROW_STEPS);
    const row = await index.get(job);
    const said = submits.remembered(job);
    // Of a job that it came to own later it may have no more than the rest (P3).
    const isCut = begins !== undefined && begins > 1 && stream.journal.reached(job, after) === 0;
    const { request = row?.request, truncated = isCut } = said ?? {};
    stored.set(job, row && acceptanceOf({ ...row, request }, truncated));
  }
}

function unknown(
  { stream, submits }: Session,
  after: number,
  stored: StoredAcceptances,
): Array<[JobId, Unseen]> {
  return [...unseen(stream, after)].filter(([job, { role }]) => {
    if (stored.has(job) || submits.isGiving(job) || submits.acceptance(job) !== undefined)
      return false;
    // A submit of the process before that only let it watch the job is decided once more, if it is repeated.
    return role === "owner" || submits.remembered(job) !== undefined;
  });
}

/** How a client comes across a job. */
interface Unseen {
  readonly role: Role;
  /** The `job_seq` of the record that it is sent first; undefined where nothing says. */
  readonly begins: number | undefined;
}

function unseen({ journal, attachments }: Stream, after: number): Map<JobId, Unseen> {
  // Of any other job it was told nothing that it has not seen: what is missed decides what this costs.
  const begins = new Map<JobId, number | undefined>();
  for (const { job, jobFrom, said } of journal.runs(after + 1, journal.issued)) {
    begins.set(job, begins.get(job) ?? (said === undefined ? jobFrom : undefined));
  }
  for (const { job, cursor } of attachments) begins.set(job, begins.get(job) ?? cursor + 1);
  const unseen = new Map<JobId, Unseen>();
  for (const [job, first] of begins) {
    const now = attachments.get(job)?.role;
    const role = now === "owner" ? now : (journal.roleUpTo(job, journal.issued) ?? now);
    if (role !== undefined && journal.roleUpTo(job, after) !== role) {
      unseen.set(job, { role, begins: first });
    }
  }
  return unseen;
}
