import type { JobId, TerminalStatus } from "@arcp/core";
import type { LogRecord, LogStore } from "../store/index.ts";
import { finalStatusIn } from "../store/record-text.ts";

/** The end of a log that has no writer any more. */
export interface LogTail {
  /** The `job_seq` of the last record; 0 if there is none. */
  readonly head: number;
  /** The last record; undefined if there is none, or it is lost. */
  readonly last: LogRecord | undefined;
  /** The final state according to that record, which may be ahead of the index. */
  readonly end: TerminalStatus | undefined;
}

export async function tailOf(job: JobId, logs: LogStore): Promise<LogTail> {
  const head = await headOf(job, logs);
  if (head === 0) return { head, last: undefined, end: undefined };
  const { records } = await logs.read(job, head - 1, { records: 1, characters: 1 });
  const last = records.at(-1);
  return { head, last, end: last?.kind === "terminal" ? finalStatusIn(last) : undefined };
}

/** The `job_seq` of a log's last record; 0 if there is none, or the log is gone. */
export async function headOf(job: JobId, logs: LogStore): Promise<number> {
  const { head } = await logs.read(job, 0, { records: 0, characters: 0 });
  return head;
}
