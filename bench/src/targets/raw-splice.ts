import { inTurns } from "./pace.ts";
import { prefixOf, prepareRecords } from "./prepared-records.ts";
import { lastSeq, serveRaw } from "./raw-session.ts";
import type { StartTarget } from "./target.ts";

/**
 * The least that a server can do for an event: its record was serialised before the run, so only the session's fields are
 * put in front, and the frames of a turn are framed here and leave in one socket write.
 */
export const start: StartTarget = ({ jobs }) => {
  const prepared = prepareRecords(jobs);
  return serveRaw(async (session, job) => {
    const records = prepared[job.index] ?? [];
    const prefix = prefixOf(session.id);
    await inTurns(session.socket, lastSeq(job), (from, to) => {
      let write = "";
      for (let jobSeq = from; jobSeq <= to; jobSeq++) {
        session.seq += 1;
        const frame = `${prefix}${session.seq},${records[jobSeq - 1]}`;
        write += header(frame.length) + frame;
      }
      session.socket.write(write, "latin1");
    });
  });
};

/** Of an unmasked text message (RFC 6455 section 5.2) of ASCII, shorter than 64 KiB. */
function header(length: number): string {
  return length < 126
    ? String.fromCharCode(0x81, length)
    : String.fromCharCode(0x81, 126, length >>> 8, length & 0xff);
}
