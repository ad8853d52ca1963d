import { InvalidArgumentError } from "commander";

const units: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A duration as it is typed, such as `30m`.
 *
 * @returns milliseconds
 */
export function duration(text: string): number {
  const [, count, unit = ""] = /^(\d{1,6}(?:\.\d{1,3})?)([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (units[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("it has to be a duration, such as 90s, 30m, 12h or 7d.");
}
