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
  for (const [job, role] of unseen(stream, after)) {
    // A submit that only let it watch the job is decided once more, if it is repeated.
    if (role !== "owner" || submits.acceptance(job) !== undefined) continue;
    const row = await index.get(job);
    if (row !== undefined) stored.set(job, acceptanceOf(row));
  }
  return stored;
}

function unseen({ journal, attachments }: Stream, after: number): Map<JobId, Role> {
  const unseen = new Map<JobId, Role>();
  // Of any other job it was told nothing that it has not seen: what is missed decides what this costs.
  const candidates = new Map<JobId, Role>();
  for (const { job } of journal.runs(after + 1, journal.issued)) {
    candidates.set(job, journal.roleUpTo(job, journal.issued) ?? "observer");
  }
  for (const { job, role } of attachments) {
    const told = journal.roleUpTo(job, journal.issued) ?? role;
    candidates.set(job, role === "owner" ? role : told);
  }
  for (const [job, role] of candidates) {
    if (journal.roleUpTo(job, after) !== role) unseen.set(job, role);
  }
  return unseen;
}
