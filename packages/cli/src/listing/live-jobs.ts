import type { Client, WatchedJob } from "@arcp/client";
import { type Clock, LocalError } from "@arcp/core";
import type { JobRow } from "./job-row.ts";

/** Called for each change of a job that a table shows. */
export type Change = (row: JobRow) => void;

/**
 * Follows the unfinished jobs that the principal may observe, and each new one, until the signal aborts.
 *
 * @param known the jobs that a listing returned
 */
export async function followJobs(
  client: Client,
  known: ReadonlyMap<string, JobRow>,
  {
    agent,
    signal,
    clock,
    change,
  }: {
    readonly agent: string | undefined;
    readonly signal: AbortSignal;
    readonly clock: Clock;
    readonly change: Change;
  },
): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const filter = agent === undefined ? {} : { agent };
  const watch = async (): Promise<void> => {
    for await (const job of client.watch(filter, { signal, every: LOOK })) {
      const row = known.get(job.id) ?? rowOf(job, clock.now());
      attend(job, row, change).catch((error: unknown) => {
        if (!signal.aborted && !isClosed(error)) failed.reject(error);
      });
    }
  };
  await Promise.race([watch(), failed.promise]);
}

/** Milliseconds between two listings that look for new jobs. */
const LOOK = 1_000;

async function attend(job: WatchedJob, known: JobRow, change: Change): Promise<void> {
  let row: JobRow = { ...known, status: job.subscribed.current_status };
  const become = (news: Partial<JobRow>): void => {
    row = { ...row, ...news };
    change(row);
  };
  become({});
  for await (const event of job.events) {
    if (row.status === "pending") become({ status: "running" });
    if (event.kind !== "progress") continue;
    const { current, total } = event.body;
    if (total) become({ progress: Math.min(1, current / total) });
  }
  const { status } = await job.outcome();
  become({ status });
}

function rowOf({ id, subscribed }: WatchedJob, now: number): JobRow {
  const { agent, current_status: status, parent_job_id: parent } = subscribed;
  return { id, agent, status, createdAt: new Date(now), parent: parent ?? undefined };
}

/** The client is closed when the command ends. */
function isClosed(error: unknown): boolean {
  return error instanceof LocalError && error.code === "CLOSED";
}
