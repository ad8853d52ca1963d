import {
  type Clock,
  formatTimestamp,
  isTerminal,
  newTraceId,
  type TerminalStatus,
} from "@arcp/core";
import type { Logger } from "pino";
import { Budget, type Remainder } from "../authority/budget.ts";
import { compileGrant } from "../authority/grant.ts";
import { isClosed } from "../store/closed.ts";
import type {
  AppendOutcome,
  DamagedJob,
  JobChange,
  JobRow,
  LogRecord,
  Store,
} from "../store/index.ts";
import { traceIn } from "../store/record-text.ts";
import { damaged, type Ending } from "./ending.ts";
import { remainingMetric } from "./job-costs.ts";
import { tailOf } from "./log-tail.ts";
import { recordStems, writeRecord } from "./record.ts";

export interface EndContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<Store, "jobs" | "logs">;
}

/** The fields of a job's row that its end needs. */
export type EndedRow = Pick<JobRow, "id" | "traceId" | "lease" | "remaining">;

/** Where in the log the end goes. */
export interface EndPlace {
  /** The `job_seq` of the last record of its log. */
  readonly head: number;
  /** Whether data of the job is lost. If its log then accepts nothing more, only the index gets the end. */
  readonly isDamaged: boolean;
}

/**
 * Writes the end of a job that no process runs any more, preceded by what remains of its budget (R-9.6-11). Only the index is
 * updated if the log has an end already.
 * @returns `fenced` if another runtime writes to the log, which decides how the job ends; nothing was written then (J1)
 */
export async function writeEnd(
  { clock, logger, store: { jobs, logs } }: EndContext,
  row: EndedRow,
  end: TerminalStatus | Ending,
  { head, isDamaged }: EndPlace,
): Promise<AppendOutcome> {
  const { id } = row;
  const now = clock.now();
  const changed = (status: TerminalStatus): JobChange => ({
    status,
    finishedAt: now,
    input: undefined,
    checkpoint: undefined,
  });
  if (typeof end === "string") {
    await jobs.update(id, changed(end));
    return "appended";
  }
  try {
    const records = recordsOf(row, head, end, formatTimestamp(now));
    const batch = { job: id, after: head, records, change: changed(end.status) };
    const [outcome = "fenced"] = await logs.append([batch]);
    // Where the end of a damaged log is, is not certain.
    if (outcome === "fenced" && isDamaged) throw new Error(`the log of ${id} ends elsewhere`);
    return outcome;
  } catch (error) {
    if (!isDamaged || isClosed(error)) throw error;
    await jobs.update(id, changed("error"));
    logger.error({ job: id, err: error }, "a damaged job has no end in its log");
    return "appended";
  }
}

/** Ends a job whose row cannot be read, unless it has ended: what it has spent, above all, is no longer known. */
export async function endDamaged(context: EndContext, { id, status }: DamagedJob): Promise<void> {
  if (status !== undefined && isTerminal(status)) return;
  const { head, last, end = damaged(id) } = await tailOf(id, context.store.logs);
  const traceId = (last && traceIn(last)) ?? newTraceId();
  await writeEnd(context, { id, traceId, lease: {} }, end, { head, isDamaged: true });
}

function recordsOf(
  row: EndedRow,
  head: number,
  { status, payload }: Ending,
  ts: string,
): readonly LogRecord[] {
  const stems = recordStems(row.id, row.traceId);
  const rest = unsaid(row).map((remainder, index) =>
    writeRecord({
      stems,
      jobSeq: head + 1 + index,
      kind: "budget",
      type: "job.event",
      payload: JSON.stringify({ kind: "metric", ts, body: remainingMetric(remainder) }),
    }),
  );
  const terminal = writeRecord({
    stems,
    jobSeq: head + 1 + rest.length,
    kind: "terminal",
    type: "job.error",
    payload: JSON.stringify({ final_status: status, ...payload }),
  });
  return [...rest, terminal];
}

/** What remains of every amount that was partly spent, since it is unknown what was reported of it. */
function unsaid({ lease, remaining }: EndedRow): readonly Remainder[] {
  const compiled = compileGrant(lease["cost.budget"] ?? []);
  return compiled.ok ? new Budget(compiled.grant, { left: remaining }).unsaid() : [];
}
