import { misuse } from "./misuse.ts";

/**
 * A date as it is sent.
 *
 * @param name what the caller calls it
 * @throws LocalError `MISUSE` for an invalid date, and for what is none: who has no types may pass a text
 */
export function timeOf(name: string, date: Date | undefined): string | undefined {
  try {
    return date?.toISOString();
  } catch {
    throw misuse(`${name} must be a valid Date`);
  }
}
