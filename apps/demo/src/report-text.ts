import { type AuditLine, linesOf } from "./audit-report.ts";
import { digits, fit, fitPath } from "./text.ts";

/** Rows that each table of the printed report has at most. */
const ROWS = 5;

/** A part of the report for a reader. */
export interface Table {
  readonly title: string;
  readonly rows: readonly string[];
}

/** The report for a reader: about two dozen lines in all, none wider than `width` characters. */
export function reportText(report: readonly AuditLine[], width: number): Table[] {
  return tables(report, width).map(({ title, rows }) => ({
    title: fit(title, width),
    rows: rows.map((row) => fit(row, width)),
  }));
}

function tables(report: readonly AuditLine[], width: number): Table[] {
  return linesOf(report, "summary").flatMap((summary) => {
    const { files, lines, bytes, links, unreadable, todos, complete } = summary;
    const skipped: string[] = [];
    if (links > 0) skipped.push(count(links, "link not followed", "links not followed"));
    if (unreadable > 0) skipped.push(`${digits(unreadable)} unreadable`);
    const languages = linesOf(report, "language").map(
      (sum) =>
        `${fit(sum.language, 14).padEnd(14)}${digits(sum.lines).padStart(11)} lines` +
        `${digits(sum.files).padStart(8)} files`,
    );
    const largest = linesOf(report, "largest").map(
      ({ path, bytes }) => `${size(bytes).padStart(9)}  ${fitPath(path, width - 11)}`,
    );
    const found = linesOf(report, "todo").map(({ path, at, text }) => {
      const place = `${fitPath(path, Math.floor(width / 2))}:${at}`;
      return `${place}  ${text}`;
    });
    const title = `${count(files, "file", "files")}, ${digits(lines)} lines, ${size(bytes)}`;
    if (!complete) skipped.push("the budget was used up before the last file");
    return [
      { title, rows: skipped },
      table("By language", languages),
      table("Largest files", largest),
      table(`TODO and FIXME: ${digits(todos)}`, found),
    ];
  });
}

function table(title: string, rows: readonly string[]): Table {
  const more = rows.length - ROWS;
  return {
    title,
    rows: [...rows.slice(0, ROWS), ...(more > 0 ? [`and ${digits(more)} more`] : [])],
  };
}

function count(number: number, one: string, many: string): string {
  return `${digits(number)} ${number === 1 ? one : many}`;
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
