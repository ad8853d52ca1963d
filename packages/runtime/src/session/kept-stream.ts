import type { JobId } from "@arcp/core";
import type { LogStore } from "../store/index.ts";
import type { Turn } from "../turn.ts";
import type { Stream } from "./stream.ts";

/** What the look at a log costs of a turn of the event loop. */
const JOB_STEPS = 4;

/**
 * Whether everything behind `after` is still there for a session: what was issued since, and what still waits for a number
 * (R-6.3-10, P3).
 */
export async function isKept(
  stream: Stream,
  after: number,
  logs: LogStore,
  turn: Pick<Turn, "spend">,
): Promise<boolean> {
  if (after > stream.issued) return false;
  const limits = { records: 0, characters: 0 };
  /** Of each job, behind what and up to what its records have to be there. */
  const needed = new Map<JobId, { after: number; head: number }>();
  let whole = after;
  for (const { job, jobFrom, count, said } of stream.journal.spans(after + 1, stream.issued)) {
    whole += count;
    if (said !== undefined) continue;
    const span = { after: jobFrom - 1, head: jobFrom + count - 1 };
    const { after: first, head: last } = needed.get(job) ?? span;
    needed.set(job, { after: Math.min(first, span.after), head: Math.max(last, span.head) });
  }
  // Of some of these numbers nobody knows any more what they meant.
  if (whole < stream.issued) return false;
  const attachments = [...stream.attachments];
  // There may be any number of jobs, here and below (J4).
  for (const [job, { after: cursor, head }] of needed) {
    await turn.spend("answering", JOB_STEPS);
    const page = await logs.read(job, cursor, limits);
    if (page.floor > cursor || page.head < head) return false;
  }
  for (const attachment of attachments) {
    await turn.spend("answering", JOB_STEPS);
    const { job, cursor } = attachment;
    const page = await logs.read(job, cursor, limits);
    if (attachment.isBehind(page, cursor) && attachment.liveIn(page, cursor) === undefined) {
      return false;
    }
  }
  return true;
}
