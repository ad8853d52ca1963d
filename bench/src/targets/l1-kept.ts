import { oneByOne } from "./l1.ts";
import { inWrites } from "./pace.ts";
import { lastSeq, type RawJob, recordOf } from "./raw-record.ts";
import { RawServer } from "./raw-server.ts";
import type { RawSession } from "./raw-session.ts";
import type { StartTarget } from "./target.ts";

/**
 * L1 as a server must be that can send a large result again: a frame is made when its piece arrives, and kept. This is the lower
 * bound for a log in memory: one `JSON.stringify`, one `ws.send`, and fresh memory.
 */
export const start: StartTarget = () => {
  const kept: string[] = [];
  const make = (session: RawSession, job: RawJob, jobSeq: number, ts: string): string => {
    session.seq += 1;
    const fields = { arcp: "1.1", session_id: session.id, event_seq: session.seq };
    const frame = JSON.stringify({ ...fields, ...recordOf(job, jobSeq, ts) });
    kept.push(frame);
    return frame;
  };
  return new RawServer({
    ...oneByOne,
    prepare: undefined,
    async stream(followers, job) {
      const ts = new Date().toISOString();
      const numbers = Array.from({ length: lastSeq(job) }, (_, i) => i + 1);
      const send = inWrites(numbers, (session, jobSeq) =>
        session.ws.send(make(session, job, jobSeq, ts)),
      );
      await Promise.all(followers.map(send));
    },
  }).listen();
};
