import { formatNumber } from "./figures.ts";
import type { ProfileRow } from "./profile.ts";
import { align } from "./table.ts";

/** Self times of the busiest functions, for a terminal. */
export function profileText(rows: readonly ProfileRow[]): string {
  return align([
    ["self time", "function", "file"],
    ...rows.map(({ name, file, share }) => [`${formatNumber(share * 100, 1)} %`, name, file]),
  ]).join("\n");
}
