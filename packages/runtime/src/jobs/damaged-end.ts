import { type Clock, isTerminal, newTraceId, type TerminalStatus } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import type { DamagedJob } from "../store/index.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import { traceIn } from "../store/record-text.ts";
import { damaged, type Ending } from "./ending.ts";
import { type EndedRow, lastRecord, recordedEnd, writeEnd } from "./written-end.ts";

/** What is needed to write down how a damaged job ends. */
export interface DamagedEndContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<ReadableStore, "jobs" | "logs">;
}

/** Ends a job whose row cannot be read, unless it has ended: above all, what it has spent is not known any more. */
export async function endDamaged(
  context: DamagedEndContext,
  { id, status }: DamagedJob,
): Promise<void> {
  if (status !== undefined && isTerminal(status)) return;
  const { logs } = context.store;
  const { head } = await logs.read(id, 0, { records: 0, characters: 0 });
  const last = await lastRecord(id, head, logs);
  const traceId = (last && traceIn(last)) ?? newTraceId();
  const row = { id, traceId, lease: {} };
  await writeEndIfPossible(context, row, head, recordedEnd(last) ?? damaged(id));
}

/** Where the log of a damaged job takes nothing more, the index alone says that it is over. */
export async function writeEndIfPossible(
  { clock, logger, store }: DamagedEndContext,
  row: EndedRow,
  head: number,
  end: TerminalStatus | Ending,
): Promise<void> {
  try {
    await writeEnd(store, row, head, end, clock.now());
  } catch (error) {
    if (isClosed(error)) throw error;
    logger.error({ job: row.id, err: error }, "a damaged job has no end in its log");
    await writeEnd(store, row, head, "error", clock.now());
  }
}
