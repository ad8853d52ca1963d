import { inTurns } from "./pace.ts";
import { lastSeq, recordOf } from "./raw-record.ts";
import { RawServer } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/**
 * The least that a server can do: an event is serialised once for all clients, for each of them only the session's fields
 * are put in front, and the frames of a turn are framed here and leave in one socket write.
 */
export const start: StartTarget = () =>
  new RawServer((followers, job) =>
    inTurns(followers, lastSeq(job), (from, to) => {
      const ts = new Date().toISOString();
      const records: string[] = [];
      for (let jobSeq = from; jobSeq <= to; jobSeq++) {
        records.push(JSON.stringify(recordOf(job, jobSeq, ts)).slice(1));
      }
      for (const session of followers) {
        const prefix = `{"arcp":"1.1","session_id":"${session.id}","event_seq":`;
        let write = "";
        for (const record of records) {
          session.seq += 1;
          const frame = `${prefix}${session.seq},${record}`;
          write += header(frame.length) + frame;
        }
        session.socket.write(write, "latin1");
      }
    }),
  ).listen();

/** Of an unmasked text message (RFC 6455 section 5.2) of ASCII, shorter than 64 KiB. */
function header(length: number): string {
  return length < 126
    ? String.fromCharCode(0x81, length)
    : String.fromCharCode(0x81, 126, length >>> 8, length & 0xff);
}
