import type { Page } from "./page.ts";

/**
 * The cells of the first table of a page whose first heading is `corner`, row by row, without the marks of code.
 * @throws Error when there is none
 */
export function table({ path, prose }: Page, corner: string): string[][] {
  const start = prose.findIndex(
    (line, index) => cells(line)[0] === corner && prose[index + 1]?.startsWith("| -"),
  );
  if (start === -1) throw new Error(`${path} has no table headed ${corner}`);
  const rows = prose.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end === -1 ? undefined : end).map(cells);
}

function cells(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.replaceAll("`", "").trim());
}
