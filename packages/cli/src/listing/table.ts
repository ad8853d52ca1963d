import stringWidth from "string-width";
import type { Paint } from "../terminal.ts";
import { fit } from "../view/printable.ts";

const GAP = "  ";

/** Terminal columns that the last column of a table keeps, if it needs as many. */
const ENOUGH = 8;

/**
 * Rows below a row of titles. Columns are as wide as their content; if the terminal is too narrow, the last one is cut. If nothing
 * useful would be left of it, the first column gets a line of its own, which is never cut, because it is what people copy.
 *
 * @param columns of the terminal
 * @returns the titles and each row, either all on one line or all on two
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
  const last = widths.at(-1) ?? 0;
  const others = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const isNarrow = columns < others + Math.min(last, ENOUGH);
  const cells = (row: readonly string[]): string[] =>
    row.map((cell, column) => padded(cell, widths[column] ?? 0));
  const line = (row: readonly string[]): string => {
    if (!isNarrow) return fit(cells(row).join(GAP).trimEnd(), columns);
    const [first = "", ...rest] = cells(row);
    return `${first.trimEnd()}\n${fit(`${GAP}${rest.join(GAP)}`.trimEnd(), columns)}`;
  };
  const [head = "", ...body] = [titles, ...rows].map(line);
  return [head.split("\n").map(paint.dim).join("\n"), ...body];
}

function padded(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - stringWidth(cell)));
}
