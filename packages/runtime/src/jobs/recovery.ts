import { ArcpError, isTerminal, type JobStatus } from "@arcp/core";
import type { JobIndex, JobRow, LogStore } from "../store/index.ts";
import { cancelled, failure } from "./ending.ts";
import { recordStem, writeRecord } from "./record.ts";

const UNFINISHED: readonly JobStatus[] = ["pending", "running"];

/**
 * Ends every job that ran when the process before this one died: exactly one terminal record each, and none for a job
 * whose terminal record was already durable (R-7.3-10, R-7.4-2, J3).
 */
export async function endInterruptedJobs(
  jobs: JobIndex,
  logs: LogStore,
  now: () => number,
): Promise<void> {
  for (;;) {
    const rows = await jobs.list({ statuses: UNFINISHED, limit: 100 });
    if (rows.length === 0) return;
    for (const row of rows) {
      const status = (await recordedEnd(row, logs)) ?? (await end(row, logs));
      await jobs.update(row.id, { status, finishedAt: now() });
    }
  }
}

/** How the job ended, if its log says so: the process died between the record and the index. */
async function recordedEnd(row: JobRow, logs: LogStore): Promise<JobStatus | undefined> {
  const { head } = await logs.read(row.id, 0, { records: 0, characters: 0 });
  const page = await logs.read(row.id, head - 1, { records: 1, characters: 1 });
  const last = page.records.at(-1);
  if (head === 0 || last?.kind !== "terminal") return undefined;
  const { payload } = JSON.parse(`{${last.text}`) as { payload: { final_status: JobStatus } };
  return isTerminal(payload.final_status) ? payload.final_status : undefined;
}

async function end(row: JobRow, logs: LogStore): Promise<JobStatus> {
  const { head } = await logs.read(row.id, 0, { records: 0, characters: 0 });
  const { status, payload } =
    row.cancel === undefined
      ? failure(new ArcpError("INTERNAL_ERROR", "the runtime stopped while the job was running"))
      : cancelled(row.cancel.reason);
  const record = writeRecord({
    stem: recordStem(row.id, row.traceId),
    jobSeq: head + 1,
    kind: "terminal",
    type: "job.error",
    payload: { final_status: status, ...payload },
  });
  const [outcome] = await logs.append([{ job: row.id, after: head, records: [record] }]);
  if (outcome !== "appended") throw new Error(`another runtime writes to the log of ${row.id}`);
  return status;
}
