import { misuse } from "./misuse.ts";

/**
 * Formats a date for sending.
 *
 * @param name the option's name, for the message
 * @throws LocalError `MISUSE` for an invalid date, and for anything else: untyped callers may pass a string
 */
export function timeOf(name: string, date: Date | undefined): string | undefined {
  try {
    return date?.toISOString();
  } catch {
    throw misuse(`${name} must be a valid Date`);
  }
}
