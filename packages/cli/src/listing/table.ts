import stringWidth from "string-width";
import type { Paint } from "../terminal.ts";
import { fit } from "../view/printable.ts";

const GAP = "  ";

/**
 * Rows below a line of titles. Columns are as wide as what is in them; where the terminal is too narrow, the last one is cut.
 *
 * @param columns that no line exceeds
 */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
  paint: Paint,
): string[] {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => stringWidth(row[column] ?? ""))),
  );
  const line = (row: readonly string[]): string =>
    fit(
      row
        .map((cell, column) => padded(cell, widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
      columns,
    );
  return [paint.dim(line(titles)), ...rows.map(line)];
}

function padded(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - stringWidth(cell)));
}
