import { formatTimestamp, type JobId, type TerminalStatus } from "@arcp/core";
import { Budget, type Remainder } from "../authority/budget.ts";
import { compileGrant } from "../authority/grant.ts";
import type { JobChange, JobRow, LogRecord, LogStore, Store } from "../store/index.ts";
import { finalStatusIn } from "../store/record-text.ts";
import type { Ending } from "./ending.ts";
import { remainingMetric } from "./job-costs.ts";
import { recordStems, writeRecord } from "./record.ts";

/** What of a job's row its end is made of. */
export type EndedRow = Pick<JobRow, "id" | "traceId" | "lease" | "remaining">;

/** The last record of a log; undefined when it has none, or has lost it. */
export async function lastRecord(
  job: JobId,
  head: number,
  logs: LogStore,
): Promise<LogRecord | undefined> {
  if (head === 0) return undefined;
  const page = await logs.read(job, head - 1, { records: 1, characters: 1 });
  return page.records.at(-1);
}

/** How the job ended, if the last record of its log says so: it may say more than the index does. */
export function recordedEnd(last: LogRecord | undefined): TerminalStatus | undefined {
  return last?.kind === "terminal" ? finalStatusIn(last) : undefined;
}

/**
 * Writes down how a job ended that nobody runs any more, and in front of it what remains of its budget (R-9.6-11): in the
 * index alone where the log says so already.
 * @param at milliseconds since 1970
 */
export async function writeEnd(
  { jobs, logs }: Pick<Store, "jobs" | "logs">,
  row: EndedRow,
  head: number,
  end: TerminalStatus | Ending,
  at: number,
): Promise<void> {
  const finished: JobChange = { finishedAt: at, input: undefined, checkpoint: undefined };
  if (typeof end === "string") return jobs.update(row.id, { status: end, ...finished });
  const { status, payload } = end;
  const stems = recordStems(row.id, row.traceId);
  const ts = formatTimestamp(at);
  const records = unsaid(row).map((remainder, index) =>
    writeRecord({
      stems,
      jobSeq: head + 1 + index,
      kind: "budget",
      type: "job.event",
      payload: JSON.stringify({ kind: "metric", ts, body: remainingMetric(remainder) }),
    }),
  );
  records.push(
    writeRecord({
      stems,
      jobSeq: head + 1 + records.length,
      kind: "terminal",
      type: "job.error",
      payload: JSON.stringify({ final_status: status, ...payload }),
    }),
  );
  const change = { status, ...finished };
  const [outcome] = await logs.append([{ job: row.id, after: head, records, change }]);
  if (outcome !== "appended") throw new Error(`another runtime writes to the log of ${row.id}`);
}

/** What remains of each amount of which something was spent: nobody knows any more what was said of it. */
function unsaid({ lease, remaining }: EndedRow): readonly Remainder[] {
  const compiled = compileGrant(lease["cost.budget"] ?? []);
  return compiled.ok ? new Budget(compiled.grant, { left: remaining }).unsaid() : [];
}
