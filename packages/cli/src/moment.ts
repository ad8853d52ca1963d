import type { Clock } from "@arcp/core";
import { InvalidArgumentError } from "commander";
import { duration } from "./duration.ts";

/** Parses a moment in the past: how long ago, such as `2h`, or a date and time in ISO 8601. */
export function momentBefore(text: string, clock: Clock): Date {
  const moment = read(text, clock);
  // Years outside 0 to 9999 cannot be written in the wire format.
  if (/^\d{4}-/.test(moment.toISOString())) return moment;
  throw new InvalidArgumentError("it has to be within the years 0 to 9999, such as 7d.");
}

function read(text: string, clock: Clock): Date {
  if (/^\d+(\.\d+)?[a-z]+$/.test(text)) return new Date(clock.now() - duration(text));
  const moment = new Date(text);
  if (/^\d{4}-/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw new InvalidArgumentError(
    "it has to be a duration, such as 2h or 7d, or a time, such as 2026-01-31T09:00.",
  );
}
