import { DamagedRow } from "@arcp/runtime/store";
import { fromJson } from "./column.ts";
import { isTooLarge, type Row } from "./connection.ts";
import { isText } from "./shape.ts";

/** SQLite's primary result code for a malformed part of the file. */
const CORRUPT = 11;

/** The message for the operator. */
export function damaged(problem: string): string {
  return `the store's file is damaged: ${problem}; restore the file from a backup`;
}

/** Whether SQLite cannot read a part of the file, or reads an impossible number. */
export function isCorrupt(error: unknown): boolean {
  if (isTooLarge(error)) return true;
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === CORRUPT;
}

/**
 * Decodes a row.
 * @param what the name of the row's content, for the operator
 * @throws DamagedRow if it cannot be decoded
 */
export function decoded<T>(what: string, row: Row, decode: (row: Row) => T): T {
  try {
    return decode(row);
  } catch (cause) {
    throw new DamagedRow(damaged(`${what} cannot be read`), principalIn(row), { cause });
  }
}

function principalIn(row: Row): string | undefined {
  try {
    return fromJson(row["principal"], isText);
  } catch {
    return undefined;
  }
}
