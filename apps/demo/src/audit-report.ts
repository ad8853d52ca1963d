import { z } from "zod";

/** What `code-audit` streams as its result: lines of JSON, the summary first. */
export const AuditLine = z.discriminatedUnion("line", [
  z.object({
    line: z.literal("summary"),
    root: z.string(),
    /** Files that were read or tried, each of which was paid for. */
    files: z.int().min(0),
    /** Lines of text in them. */
    lines: z.int().min(0),
    bytes: z.int().min(0),
    links: z.int().min(0),
    unreadable: z.int().min(0),
    todos: z.int().min(0),
    /** False when the budget was used up before the last file. */
    complete: z.boolean(),
  }),
  z.object({
    line: z.literal("language"),
    language: z.string(),
    files: z.int().min(0),
    lines: z.int().min(0),
  }),
  z.object({ line: z.literal("largest"), path: z.string(), bytes: z.int().min(0) }),
  z.object({
    line: z.literal("todo"),
    path: z.string(),
    /** The line's number, from 1. */
    at: z.int().min(1),
    text: z.string(),
  }),
  z.object({
    line: z.literal("probe"),
    path: z.string(),
    /** The code of the refusal, absent when there was none. */
    refused: z.string().optional(),
  }),
]);
export type AuditLine = z.infer<typeof AuditLine>;

export function formatReport(lines: readonly AuditLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** @throws ZodError or SyntaxError if it is not a report */
export function parseReport(text: string): AuditLine[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => AuditLine.parse(JSON.parse(line)));
}

/** The lines of one kind, in the order of the report. */
export function linesOf<L extends AuditLine["line"]>(
  report: readonly AuditLine[],
  sort: L,
): Extract<AuditLine, { line: L }>[] {
  return report.filter((line): line is Extract<AuditLine, { line: L }> => line.line === sort);
}
