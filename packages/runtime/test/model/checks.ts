import type { JobId } from "@arcp/core";
import { Journal } from "../../src/session/journal.ts";
import { isVisible } from "../../src/session/view.ts";
import { Violation } from "./fault.ts";
import {
  type Conn,
  kindOf,
  type ModelJob,
  type ModelSession,
  roleIn,
  SECRET,
  textOf,
  type World,
} from "./world.ts";

/** A frame as on the wire: its number, and the record in it. */
export function readFrame(frame: string): { seq: number; record: string } {
  const comma = frame.indexOf(",");
  const { id } = JSON.parse(`{${frame.slice(comma + 1)}`) as { id: string };
  return { seq: Number(frame.slice(0, comma)), record: id };
}

function jobOf(record: string): JobId {
  return (/j\d+/.exec(record)?.[0] ?? "") as JobId;
}

/** Checks bytes at the moment they leave. */
export function checkSent(
  world: World,
  session: ModelSession,
  conn: Conn,
  frame: string,
  visible: boolean,
): void {
  const { seq, record } = readFrame(frame);
  const id = jobOf(record);
  const job = world.jobs.find((one) => one.id === id);
  const jobSeq = numberOf(record);
  const { ghost } = session;
  if (ghost.welcomed > conn.no) {
    throw new Violation("P5", `number ${seq} leaves on a connection that was taken over`);
  }
  if (job?.log[jobSeq - 1] !== record) {
    throw new Violation("J2", `${record} leaves under ${seq} and is not durable`);
  }
  if (frame.includes(SECRET) && roleIn(session, id) !== "owner") {
    throw new Violation("P4", `a secret leaves under ${seq} to an observer`);
  }
  if (!visible || !mayBeSeen(session, id, record)) {
    throw new Violation("P2", `${record} leaves under ${seq} and is hidden from this viewer`);
  }
  const meant = ghost.sent[seq - 1];
  if (meant !== undefined) {
    if (meant === record) return;
    throw new Violation("P2", `${seq} was ${meant} and leaves as ${record}`);
  }
  if (seq !== ghost.sent.length + 1) {
    throw new Violation("P1", `${seq} leaves behind ${ghost.sent.length}`);
  }
  checkOrder(session, job, jobSeq, seq);
  ghost.sent.push(record);
  ghost.read[id] = jobSeq;
}

/** A new number stands for the next record that its viewer may see, or for a later one if the viewer is told. */
function checkOrder(
  session: ModelSession,
  { id, log }: ModelJob,
  jobSeq: number,
  seq: number,
): void {
  const read = session.ghost.read[id];
  if (read === undefined) {
    throw new Violation("P3", `${seq} is a record of ${id}, which the session does not follow`);
  }
  if (jobSeq <= read) {
    throw new Violation("P1", `record ${jobSeq} of ${id} is numbered once more, as ${seq}`);
  }
  const excused = Math.max(read, session.ghost.excused[id] ?? 0);
  const missing = log.findIndex(
    (record, i) => i >= excused && i < jobSeq - 1 && mayBeSeen(session, id, record),
  );
  if (missing >= 0) {
    throw new Violation("P3", `${log[missing]} of ${id} is passed over by ${seq} without a word`);
  }
}

export function mayBeSeen(session: ModelSession, job: JobId, record: string): boolean {
  const viewer = { features: new Set(session.features), role: roleIn(session, job) };
  return isVisible({ kind: kindOf(record), text: "" }, viewer);
}

export function numberOf(record: string): number {
  return Number.parseInt(record.slice(1), 10);
}

/** What holds in every state. */
export function checkWorld(world: World): void {
  for (const job of world.jobs) checkLog(job);
  for (const session of world.sessions) {
    checkNumbers(world, session);
    const { client, ghost, row } = session;
    const { issued } = session.memory ?? {};
    if (issued !== undefined && issued < ghost.sent.length) {
      throw new Violation("P1", `${ghost.sent.length} has left, and ${issued} counts as issued`);
    }
    const claimed = session.queue.some(({ claim }) =>
      claim?.tokens.includes(client.tokens.at(-1) ?? ""),
    );
    if (!client.refused && !claimed && !row.tokens.includes(client.tokens.at(-1) ?? "")) {
      throw new Violation("R-6.3-7", "the newest token that the client has is not valid");
    }
  }
}

function checkLog({ id, log }: ModelJob): void {
  for (const [i, record] of log.entries()) {
    if (numberOf(record) !== i + 1) {
      throw new Violation("J1", `${record} stands at ${i + 1} in the log of ${id}`);
    }
    if (kindOf(record) === "terminal" && i + 1 < log.length) {
      throw new Violation("J3", `${log[i + 1]} follows the ending ${record} of ${id}`);
    }
    if (textOf(record).includes(SECRET)) {
      throw new Violation("P4", `the log of ${id} holds a secret`);
    }
  }
}

/** By the store alone, every number that has left stands for the record it was sent with, except for what was let go (P1). */
function checkNumbers({ jobs }: World, { row, ghost }: ModelSession): void {
  const journal = new Journal(row.runs);
  const parked = row.issued ?? Number.POSITIVE_INFINITY;
  for (const [i, meaning] of ghost.sent.entries()) {
    const seq = i + 1;
    const origin = journal.origin(seq);
    // Acknowledged, and another session's job: nobody asks for it any more.
    if (origin === undefined && seq <= ghost.acked) continue;
    const record = jobs.find(({ id }) => id === origin?.job)?.log[(origin?.jobSeq ?? 0) - 1];
    if (record !== meaning) {
      throw new Violation("P1", `${seq} has left as ${meaning}, and the store says ${record}`);
    }
    if (seq > parked) throw new Violation("P2", `${seq} has left, and the row counts to ${parked}`);
  }
}
