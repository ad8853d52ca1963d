import { inTurns } from "./pace.ts";
import { lastSeq, recordOf, serveRaw } from "./raw-session.ts";
import type { StartTarget } from "./target.ts";

/** What anyone writes first: for each event one object, one `JSON.stringify` and one `ws.send`. */
export const start: StartTarget = () =>
  serveRaw(async (session, job) => {
    await inTurns(session.socket, lastSeq(job), (from, to) => {
      const ts = new Date().toISOString();
      for (let jobSeq = from; jobSeq <= to; jobSeq++) {
        session.seq += 1;
        const fields = { arcp: "1.1", session_id: session.id, event_seq: session.seq };
        session.ws.send(JSON.stringify({ ...fields, ...recordOf(job, jobSeq, ts) }));
      }
    });
  });
