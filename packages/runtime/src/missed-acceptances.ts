import type { JobId } from "@arcp/core";
import type { Announcement } from "./announcement.ts";
import { acceptanceOf } from "./jobs/acceptance.ts";
import type { Session } from "./session/session.ts";
import type { Stream } from "./session/stream.ts";
import type { JobIndex, Role } from "./store/index.ts";

/**
 * What has to be said again to a client that has seen `after`: the acceptances of jobs of which it has seen nothing yet, or
 * nothing as their owner (R-6.3-8). It stands before their events, which are nobody's to a client that has not been told
 * (R-7.2-8).
 * @param stored as {@link storedAcceptances} found them
 */
export function missedAcceptances(
  { stream, submits }: Session,
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
): Promise<ReadonlyMap<JobId, Announcement>> {
  const stored = new Map<JobId, Announcement>();
  for (const [job, { role, begins }] of unseen(stream, after)) {
    // A submit that only let it watch the job is decided once more, if it is repeated.
    if (role !== "owner" || submits.acceptance(job) !== undefined) continue;
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
  const unseen = new Map<JobId, Unseen>();
  // Of any other job it was told nothing that it has not seen: what is missed decides what this costs.
  const candidates = new Map<JobId, Unseen>();
  for (const { job, jobFrom, said } of journal.runs(after + 1, journal.issued)) {
    const role = journal.roleUpTo(job, journal.issued) ?? "observer";
    candidates.set(job, {
      role,
      begins: candidates.get(job)?.begins ?? (said ? undefined : jobFrom),
    });
  }
  for (const { job, role, cursor } of attachments) {
    const told = journal.roleUpTo(job, journal.issued) ?? role;
    const begins = candidates.get(job)?.begins ?? cursor + 1;
    candidates.set(job, { role: role === "owner" ? role : told, begins });
  }
  for (const [job, candidate] of candidates) {
    if (journal.roleUpTo(job, after) !== candidate.role) unseen.set(job, candidate);
  }
  return unseen;
}
