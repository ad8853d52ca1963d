import type { Clock } from "@arcp/core";
import { DamagedLog, DamagedRow } from "../store/damage.ts";
import { type Patience, Refusal } from "../store/patience.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";
import { retried } from "../store/retry.ts";

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
      if (error instanceof UnreadableLog || error instanceof Outage) return error;
      throw error;
    }
  });
  if (problem instanceof Outage) throw problem.cause;
  return problem;
}

/** The store refuses to read the log of a job, and reports no damage. */
class UnreadableLog extends Error {
  override readonly name = "UnreadableLog";
}

/** The store answers nothing, and has been waited for. */
class Outage extends Error {
  override readonly name = "Outage";
}

/** Logs whose rejections tell that they are about a single log, for which they are repeated. */
function namingLogs(logs: RestoredLogs, patience: Patience): RestoredLogs {
  return {
    async read(job, after, limits) {
      const page = await patience
        .retried(() => logs.read(job, after, limits))
        .catch((cause: unknown) => {
          throw new Outage("the store answers nothing", { cause });
        });
      if (!(page instanceof Refusal)) return page;
      const { cause } = page;
      if (cause instanceof DamagedLog) throw cause;
      throw new UnreadableLog(`the log of ${job} cannot be read`, { cause });
    },
  };
}
