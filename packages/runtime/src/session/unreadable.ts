import { isClosed } from "../store/closed.ts";
import { DamagedLog, DamagedRow } from "../store/damage.ts";
import { checkAnswers } from "../store/outage.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";
import type { Patience } from "../store/retry.ts";

export type RestoredLogs = Pick<ReadableLogStore, "read">;

/**
 * Restores one session, repeating what the store rejects.
 * @param restore is given the logs to read, and may be called again
 * @returns what makes the session unreadable: damage, or a log that the store refuses to read although it answers other calls;
 *   undefined if it was restored
 * @throws what the store rejects calls with otherwise
 */
export async function unreadable(
  logs: RestoredLogs,
  patience: Patience,
  restore: (logs: RestoredLogs) => Promise<void>,
): Promise<Error | undefined> {
  const named = namingLogs(logs);
  try {
    return await patience.retried(async () => {
      try {
        await restore(named);
        return undefined;
      } catch (error) {
        // It would be the same again.
        if (error instanceof DamagedRow || error instanceof DamagedLog) return error;
        throw error;
      }
    });
  } catch (error) {
    if (!(error instanceof UnreadableLog)) throw error;
    await checkAnswers(logs, error.cause);
    return error;
  }
}

/** The store refuses to read the log of a job, and reports no damage. */
class UnreadableLog extends Error {
  override readonly name = "UnreadableLog";
}

/** Logs whose rejections tell that they are about a single log. */
function namingLogs(logs: RestoredLogs): RestoredLogs {
  return {
    async read(job, after, limits) {
      try {
        return await logs.read(job, after, limits);
      } catch (cause) {
        if (cause instanceof DamagedLog || isClosed(cause)) throw cause;
        throw new UnreadableLog(`the log of ${job} cannot be read`, { cause });
      }
    },
  };
}
