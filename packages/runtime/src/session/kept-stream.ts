import type { JobId } from "@arcp/core";
import type { LogStore } from "../store/index.ts";
import type { Turn } from "../turn.ts";
import type { Stream } from "./stream.ts";

/** What looking at a log costs of the turn's budget. */
const JOB_STEPS = 4;

/**
 * Whether a session can still get everything after `after`: what was issued since, and what still waits for a number (R-6.3-10,
 * P3).
 */
export async function isKept(
  stream: Stream,
  after: number,
  logs: LogStore,
  turn: Pick<Turn, "spend">,
): Promise<boolean> {
  if (after > stream.issued) return false;
  const limits = { records: 0, characters: 0 };
  /** For each job, the range of records that must be kept: those after `after`, up to `head`. */
  const needed = new Map<JobId, { after: number; head: number }>();
  let whole = after;
  for (const { job, jobFrom, count, said } of stream.journal.spans(after + 1, stream.issued)) {
    whole += count;
    if (said !== undefined) continue;
    const span = { after: jobFrom - 1, head: jobFrom + count - 1 };
    const { after: first, head: last } = needed.get(job) ?? span;
    needed.set(job, { after: Math.min(first, span.after), head: Math.max(last, span.head) });
  }
  // The meaning of some of these numbers is no longer known.
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
