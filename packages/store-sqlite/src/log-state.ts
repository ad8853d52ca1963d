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

export function logStateIn([job, key, principal, ...numbers]: Values): LogState {
  const [floor = 0, head = 0, records = 0, characters = 0, size = 0] = numbers.map(Number);
  return {
    job: job as JobId,
    key: Number(key),
    principal: String(principal),
    floor,
    head,
    records,
    characters,
    size,
  };
}
