import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTimestamp, Timestamp } from "./timestamp.ts";

const accepts = (text: unknown): boolean => Timestamp.safeParse(text).success;

test.each([
  "2026-11-02T08:15:30.250Z",
  "2026-11-02T08:15:30Z",
  "2026-11-02T08:15:30.1Z",
  "2026-11-02T08:15:30.123456789Z",
  "2026-11-02T08:15:30+00:00",
  "2026-11-02T08:15:30-00:00",
  "2026-11-02T08:15:30.5+05:30",
  "2026-11-02T08:15:30-11:00",
  "2026-11-02t08:15:30z",
  "2026-11-02 08:15:30Z",
  "2024-02-29T23:59:59Z",
  "2000-02-29T00:00:00Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
])("R-5.2-2: %s is accepted and can be parsed", (text) => {
  expect(accepts(text)).toBe(true);
  expect(Date.parse(text)).not.toBeNaN();
});

test.each([
  "",
  "now",
  "1793607330000",
  "2026-11-02",
  "2026-11-02T08:15:30",
  "2026-11-02T08:15Z",
  "2026-11-02T08:15:30.Z",
  "2026-11-02T08:15:30+0100",
  "2026-11-02T08:15:30+1:00",
  "2026-11-02T08:15:30 Z",
  "2026-11-02T08:15:30Z\n",
  " 2026-11-02T08:15:30Z",
  "+002026-11-02T08:15:30Z",
  "26-11-02T08:15:30Z",
  "Mon, 02 Nov 2026 08:15:30 GMT",
])("R-5.2-2: %j is not an RFC 3339 time", (text) => {
  expect(accepts(text)).toBe(false);
});

test.each([
  "2026-00-10T00:00:00Z",
  "2026-13-10T00:00:00Z",
  "2026-01-00T00:00:00Z",
  "2026-01-32T00:00:00Z",
  "2026-02-29T00:00:00Z",
  "1900-02-29T00:00:00Z",
  "2024-02-30T00:00:00Z",
  "2026-04-31T00:00:00Z",
  "2026-06-31T00:00:00Z",
  "2026-01-01T24:00:00Z",
  "2026-01-01T00:60:00Z",
  "2026-01-01T00:00:61Z",
  "2026-01-01T00:00:00+24:00",
  "2026-01-01T00:00:00+99:99",
])("R-9.5-1: %s does not exist in the calendar, though the platform may parse it", (text) => {
  expect(accepts(text)).toBe(false);
});

test.each([
  ["2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"],
  ["2016-12-31t23:59:60.25z", "2016-12-31t23:59:59.999z"],
  ["1990-12-31 15:59:60-08:00", "1990-12-31 15:59:59.999-08:00"],
])("R-5.2-2: the leap second %s reads as %s", (text, read) => {
  expect(Timestamp.parse(text)).toBe(read);
});

test.each([
  "2016-12-32T23:59:60Z",
  "2016-12-31T23:60:60Z",
  "2016-12-31T23:59:60",
  "2016-12-31T23:59:60.Z",
  "2016-12-31T23:59:30+01:60",
])("R-5.2-2: %s is not a leap second", (text) => {
  expect(accepts(text)).toBe(false);
});

test("R-5.2-2: a time that is not a leap second stays as it was written", () => {
  const end = "2026-10-31T23:59:59Z";
  expect(Timestamp.parse(end)).toBe(end);
});

test.each([5, null, undefined, {}, new Date(0)])("R-5.2-2: %j is not even text", (value) => {
  expect(accepts(value)).toBe(false);
});

test("R-5.2-2: a time is sent in UTC with milliseconds and Z, and is accepted back", () => {
  expect(formatTimestamp(0)).toBe("1970-01-01T00:00:00.000Z");
  expect(formatTimestamp(Date.UTC(2026, 10, 2, 8, 15, 30, 250))).toBe("2026-11-02T08:15:30.250Z");
  const milliseconds = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(milliseconds, (ms) => {
      const text = formatTimestamp(ms);
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(accepts(text)).toBe(true);
      expect(Date.parse(text)).toBe(ms);
    }),
  );
});
