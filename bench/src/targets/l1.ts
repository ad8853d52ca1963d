import { inTurns, inWrites } from "./pace.ts";
import { lastSeq, recordOf } from "./raw-record.ts";
import { RawServer, type RawWire } from "./raw-server.ts";
import type { StartTarget } from "./target.ts";

/** What anybody would write first: for each event and each client one object, one `JSON.stringify` and one `ws.send`. */
export const oneByOne: RawWire = {
  stream: (followers, job) =>
    inTurns(followers, lastSeq(job), (from, to) => {
      const ts = new Date().toISOString();
      for (let jobSeq = from; jobSeq <= to; jobSeq++) {
        const record = recordOf(job, jobSeq, ts);
        for (const session of followers) {
          session.seq += 1;
          const fields = { arcp: "1.1", session_id: session.id, event_seq: session.seq };
          session.ws.send(JSON.stringify({ ...fields, ...record }));
        }
      }
    }),
  prepare: (frames) => inWrites(frames, ({ ws }, frame) => ws.send(frame)),
};

export const start: StartTarget = () => new RawServer(oneByOne).listen();
