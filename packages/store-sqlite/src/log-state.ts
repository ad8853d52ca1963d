import type { JobId } from "@arcp/core";
import type { Values } from "./connection.ts";

/** A row of `logs`, or what will be one; `records` and `characters` are what counts for its own limits, `size` are all characters. */
export interface LogState {
  readonly job: JobId;
  readonly key: number;
  readonly principal: string;
  floor: number;
  head: number;
  records: number;
  characters: number;
  size: number;
}

/** The columns of a row, in the order in which they are read. */
export const STATE = "job, key, principal, floor, head, records, characters, size";

/** Characters that no record has: a log that claims more is damaged, and others would lose theirs for it. */
const LARGEST_RECORD = 16 * 1024 * 1024;

/** The size of a log, as {@link logStateIn} has it, in SQL. */
export const SIZE = `max(0, min(size, (head - floor) * ${LARGEST_RECORD}))`;

export function logStateIn([job, key, principal, ...numbers]: Values): LogState {
  const [start = 0, end = 0, records = 0, characters = 0, size = 0] = numbers.map(Number);
  const head = Math.max(0, end);
  const floor = Math.max(0, Math.min(start, head));
  return {
    job: job as JobId,
    key: Number(key),
    principal: String(principal),
    floor,
    head,
    records,
    characters,
    size: Math.max(0, Math.min(size, (end - start) * LARGEST_RECORD)),
  };
}
