import { z } from "zod/mini";

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

const LEAP_SECOND = /^(.{10})[Tt ](.{5}):60(?:\.\d+)?(.+)$/;

const isTime = z.refine<string>(isTimestamp, {
  error: "must be an RFC 3339 time such as 2026-11-02T08:15:30.250Z",
});

/** A time as received, in any RFC 3339 form (R-5.2-2). A leap second reads as the one behind it begins: no `Date` holds it. */
export const Timestamp = z.string().check(z.overwrite(withoutLeapSecond), isTime);

/** As {@link Timestamp}, for what may name no leap second, since none is known to come. */
export const CalendarTime = z.string().check(isTime);

/** Whether a text is a time in any RFC 3339 form but a leap second. */
export function isTimestamp(text: string): boolean {
  const [, year, month, day] = RFC_3339.exec(text) ?? [];
  return day !== undefined && Number(day) <= daysIn(Number(year), Number(month)) && Number(day) > 0;
}

/** Leap seconds end a month in UTC; what is none stays as it is. */
function withoutLeapSecond(text: string): string {
  const [, date, minute, zone] = LEAP_SECOND.exec(text) ?? [];
  const before = `${date}T${minute}:59${zone}`.toUpperCase();
  const behind = isTimestamp(before) ? new Date(Date.parse(before) + 1000).toISOString() : "";
  return behind.endsWith("-01T00:00:00.000Z") ? behind : text;
}

/** 0 for a month that does not exist. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [0, 31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0;
}

/** The last one that was written: many things happen in one millisecond. */
let written = { ms: Number.NaN, text: "" };

/** A time as sent: UTC with milliseconds and `Z` (R-5.2-2). @param ms milliseconds since 1970 */
export function formatTimestamp(ms: number): string {
  if (written.ms !== ms) written = { ms, text: new Date(ms).toISOString() };
  return written.text;
}
