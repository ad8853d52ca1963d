import { inTurns, inWrites } from "./pace.ts";
import { lastSeq, recordOf } from "./raw-record.ts";
import { RawServer } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/** Bytes that are joined into one write if all of them are there already. */
const WRITE = 128 * 1024;

/**
 * The least that a server can do: an event is serialised once for all clients, only the session's fields are put in front for each
 * of them, and the frames of a turn are framed here and leave in one socket write.
 */
export const start: StartTarget = () =>
  new RawServer({
    stream: (followers, job) =>
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
    prepare: (frames) => inWrites(joined(frames), ({ socket }, bytes) => socket.write(bytes)),
  }).listen();

/** As few writes as may wait in a socket. */
function joined(frames: readonly string[]): readonly Buffer[] {
  const writes: Buffer[] = [];
  let write = "";
  for (const frame of frames) {
    write += header(frame.length) + frame;
    if (write.length < WRITE) continue;
    writes.push(Buffer.from(write, "latin1"));
    write = "";
  }
  return [...writes, Buffer.from(write, "latin1")];
}

/** The header of an unmasked text message (RFC 6455 section 5.2) of ASCII, shorter than 16 MiB. */
function header(length: number): string {
  const low = length & 0xff;
  if (length < 126) return String.fromCharCode(0x81, length);
  if (length < 2 ** 16) return String.fromCharCode(0x81, 126, length >>> 8, low);
  return String.fromCharCode(0x81, 127, 0, 0, 0, 0, 0, length >>> 16, (length >>> 8) & 0xff, low);
}
