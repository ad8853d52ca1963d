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
 * @param stored as {@link storedAcceptances} found them
 */
export function missedAcceptances(
  { stream, submits }: Pick<Session, "stream" | "submits">,
  after: number,
  stored: ReadonlyMap<JobId, Announcement>,
): Announcement[] {
  // One that waits for the store is said as soon as that has what it tells (J2).
  const unsaid = [...unseen(stream, after).keys()].filter((job) => !submits.isGiving(job));
  return unsaid.flatMap((job) => submits.acceptance(job) ?? stored.get(job) ?? []);
}

/** Those of them that only the store remembers. */
export async function storedAcceptances(
  { stream, submits }: Session,
  after: number,
  index: JobIndex,
  turn: Pick<Turn, "spend">,
): Promise<ReadonlyMap<JobId, Announcement>> {
  const stored = new Map<JobId, Announcement>();
  for (const [job, { role, begins }] of unseen(stream, after)) {
    // A submit that only let it watch the job is decided once more, if it is repeated.
    if (role !== "owner" || submits.acceptance(job) !== undefined) continue;
    // There may be any number of them (J4).
    await turn.spend("answering", ROW_STEPS);
    const row = await index.get(job);
    if (row === undefined) continue;
    const acceptance = acceptanceOf(row);
    // Of a job that it came to own later it may have no more than the rest (P3).
    const truncated =
      begins !== undefined && begins > 1 && stream.journal.reached(job, after) === 0;
    const payload = { ...acceptance.payload, ...(truncated && { truncated }) };
    stored.set(job, { ...acceptance, payload });
  }
  return stored;
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
