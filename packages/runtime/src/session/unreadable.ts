import type { Clock } from "@arcp/core";
import { isClosed } from "../store/closed.ts";
import { DamagedLog, DamagedRow } from "../store/damage.ts";
import { checkAnswers } from "../store/outage.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";
import { type Patience, retried } from "../store/retry.ts";

export type RestoredLogs = Pick<ReadableLogStore, "read">;

/**
 * Restores one session, repeating what the store rejects.
 * @param patience with logs, shared by all sessions; with anything else there is no limit, because the start fails without it
 * @param restore is given the logs to read, and may be called again
 * @returns what makes the session unreadable: damage, or a log that the store refuses to read although it answers other calls;
 *   undefined if it was restored
 * @throws what the store rejects calls with otherwise
 */
export async function unreadable(
  { clock, logs }: { readonly clock: Clock; readonly logs: RestoredLogs },
  patience: Patience,
  restore: (logs: RestoredLogs) => Promise<void>,
): Promise<Error | undefined> {
  const named = namingLogs(logs, patience);
  const problem = await retried(clock, async () => {
    try {
      await restore(named);
      return undefined;
    } catch (error) {
      // It would be the same again.
      if (error instanceof DamagedRow || error instanceof DamagedLog) return error;
      // It has been repeated.
      if (error instanceof UnreadableLog) return error;
      throw error;
    }
  });
  if (problem instanceof UnreadableLog) await checkAnswers(logs, problem.cause);
  return problem;
}

/** The store refuses to read the log of a job, and reports no damage. */
class UnreadableLog extends Error {
  override readonly name = "UnreadableLog";
}

/** Logs whose rejections tell that they are about a single log, for which they are repeated. */
function namingLogs(logs: RestoredLogs, patience: Patience): RestoredLogs {
  return {
    async read(job, after, limits) {
      try {
        return await patience.retried(() => logs.read(job, after, limits));
      } catch (cause) {
        if (cause instanceof DamagedLog || isClosed(cause)) throw cause;
        throw new UnreadableLog(`the log of ${job} cannot be read`, { cause });
      }
    },
  };
}
