import type { JobId, TerminalStatus } from "@arcp/core";
import type { LogRecord, LogStore } from "../store/index.ts";
import { finalStatusIn } from "../store/record-text.ts";

/** Where a log ends that nobody writes to any more. */
export interface LogTail {
  /** The `job_seq` of its last record; 0 when it has none. */
  readonly head: number;
  /** That record; undefined where there is none, or it is lost. */
  readonly last: LogRecord | undefined;
  /** How the job ended, if that record says so: it may say more than the index does. */
  readonly end: TerminalStatus | undefined;
}

export async function tailOf(job: JobId, logs: LogStore): Promise<LogTail> {
  const head = await headOf(job, logs);
  if (head === 0) return { head, last: undefined, end: undefined };
  const { records } = await logs.read(job, head - 1, { records: 1, characters: 1 });
  const last = records.at(-1);
  return { head, last, end: last?.kind === "terminal" ? finalStatusIn(last) : undefined };
}

/** The `job_seq` of the last record of a log; 0 when it has none, or is gone. */
export async function headOf(job: JobId, logs: LogStore): Promise<number> {
  const { head } = await logs.read(job, 0, { records: 0, characters: 0 });
  return head;
}
