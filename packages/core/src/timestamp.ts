import * as z from "zod/mini";

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

const LEAP_SECOND = /:60(?:\.\d+)?(?=[Zz+-])/;

/**
 * A received time, in any RFC 3339 form (R-5.2-2). A leap second, which a `Date` cannot represent, decodes as the last
 * millisecond before it.
 */
export const Timestamp = z.string().check(
  z.overwrite((text) => text.replace(LEAP_SECOND, ":59.999")),
  z.refine(isTimestamp, { error: "must be an RFC 3339 time such as 2026-11-02T08:15:30.250Z" }),
);

/** Whether a text is a time in any RFC 3339 form, except a leap second. */
export function isTimestamp(text: string): boolean {
  const [, year, month, day] = RFC_3339.exec(text) ?? [];
  return day !== undefined && Number(day) <= daysIn(Number(year), Number(month)) && Number(day) > 0;
}

/** 0 for a month that does not exist. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [0, 31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0;
}

/** Caches the last text, since many things happen within one millisecond. */
let written = { ms: Number.NaN, text: "" };

/** Formats a time for sending: UTC with milliseconds and `Z` (R-5.2-2). @param ms milliseconds since 1970 */
export function formatTimestamp(ms: number): string {
  if (written.ms !== ms) written = { ms, text: new Date(ms).toISOString() };
  return written.text;
}
