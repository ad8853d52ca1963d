import { isTerminal, type JobStatus, type TerminalStatus } from "@arcp/core";
import type { JobChange, JobRow, ListedJob, LogStore, Store } from "../store/index.ts";
import type { Ending } from "./ending.ts";
import { recordStems, writeRecord } from "./record.ts";

type Row = ListedJob | JobRow;

/** How the job ended, if its log says so: it may say more than the index does. */
export async function recordedEnd(
  row: Row,
  head: number,
  logs: LogStore,
): Promise<TerminalStatus | undefined> {
  if (head === 0) return undefined;
  const page = await logs.read(row.id, head - 1, { records: 1, characters: 1 });
  const last = page.records.at(-1);
  if (last?.kind !== "terminal") return undefined;
  const { payload } = JSON.parse(`{${last.text}`) as { payload: { final_status: JobStatus } };
  return isTerminal(payload.final_status) ? payload.final_status : undefined;
}

/**
 * Writes down how a job ended that nobody runs any more: in the index alone where the log says so already.
 * @param at milliseconds since 1970
 */
export async function writeEnd(
  { jobs, logs }: Pick<Store, "jobs" | "logs">,
  row: Row,
  head: number,
  end: TerminalStatus | Ending,
  at: number,
): Promise<void> {
  const finished: JobChange = { finishedAt: at, input: undefined, checkpoint: undefined };
  if (typeof end === "string") return jobs.update(row.id, { status: end, ...finished });
  const { status, payload } = end;
  const record = writeRecord({
    stems: recordStems(row.id, row.traceId),
    jobSeq: head + 1,
    kind: "terminal",
    type: "job.error",
    payload: JSON.stringify({ final_status: status, ...payload }),
  });
  const change = { status, ...finished };
  const [outcome] = await logs.append([{ job: row.id, after: head, records: [record], change }]);
  if (outcome !== "appended") throw new Error(`another runtime writes to the log of ${row.id}`);
}
