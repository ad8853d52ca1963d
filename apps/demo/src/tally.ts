import type { AuditLine } from "./audit-report.ts";

/** A file as it was read. Without text it is binary or too large to read. */
export interface ReadFile {
  readonly bytes: number;
  readonly text: string | undefined;
}

/** How many of the largest files a report names. */
const LARGEST = 5;
/** Characters of a line that a report quotes. */
const QUOTED = 120;

/** Adds up what an audit finds, file by file. */
export class Tally {
  readonly #languages = new Map<string, { files: number; lines: number }>();
  readonly #sizes: { path: string; bytes: number }[] = [];
  readonly #todos: AuditLine[] = [];
  #files = 0;
  #lines = 0;
  #bytes = 0;
  #unreadable = 0;

  get files(): number {
    return this.#files;
  }

  /** @param path as the report names it @param file undefined if it could not be read */
  add(path: string, language: string, file: ReadFile | undefined): void {
    this.#files += 1;
    if (file === undefined) {
      this.#unreadable += 1;
      return;
    }
    const lines = file.text === undefined ? [] : splitLines(file.text);
    const sum = this.#languages.get(language) ?? { files: 0, lines: 0 };
    this.#languages.set(language, { files: sum.files + 1, lines: sum.lines + lines.length });
    this.#sizes.push({ path, bytes: file.bytes });
    this.#lines += lines.length;
    this.#bytes += file.bytes;
    for (const [index, line] of lines.entries()) {
      if (!/\b(?:TODO|FIXME)\b/.test(line)) continue;
      this.#todos.push({ line: "todo", path, at: index + 1, text: line.trim().slice(0, QUOTED) });
    }
  }

  /** @param rest what only the agent knows */
  report(rest: {
    root: string;
    links: number;
    unreadable: number;
    complete: boolean;
  }): AuditLine[] {
    const byLines = [...this.#languages].sort(([, a], [, b]) => b.lines - a.lines);
    const bySize = this.#sizes.toSorted((a, b) => b.bytes - a.bytes);
    return [
      {
        line: "summary",
        ...rest,
        files: this.#files,
        lines: this.#lines,
        bytes: this.#bytes,
        unreadable: this.#unreadable + rest.unreadable,
        todos: this.#todos.length,
      },
      ...byLines.map(([language, sum]) => ({ line: "language", language, ...sum }) as const),
      ...bySize.slice(0, LARGEST).map((file) => ({ line: "largest", ...file }) as const),
      ...this.#todos,
    ];
  }
}

/** A last line counts even without its line feed. */
function splitLines(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
