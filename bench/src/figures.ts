import type { Spread } from "./statistics.ts";

export function formatNumber(value: number, digits: number): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The median, then the least and the most. Empty if nothing was measured. */
export function formatSpread(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return "";
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) =>
    formatNumber(value, digits),
  );
  return `${median} (${min} to ${max})`;
}
