import { inTurns } from "./pace.ts";
import { prefixOf, prepareRecords } from "./prepared-records.ts";
import { lastSeq, serveRaw } from "./raw-session.ts";
import type { StartTarget } from "./target.ts";

/**
 * What `ws` can do at best: records serialised before the run, the session's fields put in front, one `ws.send` for each
 * event, and the socket corked over a turn.
 */
export const start: StartTarget = ({ jobs }) => {
  const prepared = prepareRecords(jobs);
  return serveRaw(async (session, job) => {
    const { ws, socket } = session;
    const records = prepared[job.index] ?? [];
    const prefix = prefixOf(session.id);
    await inTurns(socket, lastSeq(job), (from, to) => {
      socket.cork();
      for (let jobSeq = from; jobSeq <= to; jobSeq++) {
        session.seq += 1;
        ws.send(`${prefix}${session.seq},${records[jobSeq - 1]}`);
      }
      socket.uncork();
    });
  });
};
