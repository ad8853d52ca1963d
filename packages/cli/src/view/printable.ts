import { stripVTControlCharacters } from "node:util";
import sliceAnsi from "slice-ansi";
import stringWidth from "string-width";

/** Control characters, and those that turn the direction of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/** A text of an agent on one line, without control characters. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, " ").trim();
}

/** A value as JSON, with control characters written as numbers. */
export function json(value: unknown, indent?: number): string {
  return writtenOut(JSON.stringify(value, null, indent));
}

/** A text of several lines, with control characters written as numbers. */
export function writtenOut(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(CONTROLS, (run) =>
      run.replace(/[^\n\t ]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    );
}

/** A value on one line. */
export function compact(value: unknown): string {
  if (value === undefined) return "";
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}

/** How many characters, including colours and combining ones, may share a column before the rest is ignored. */
const CROWD = 16;

/** Cuts a line, which may be coloured, to a number of terminal columns. */
export function fit(line: string, columns: number): string {
  if (!Number.isFinite(columns)) return line;
  const near = line.slice(0, CROWD * Math.max(columns, 16));
  if (near === line && stringWidth(line) <= columns) return line;
  return `${sliceAnsi(near, 0, Math.max(0, columns - 1))}…`;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** Milliseconds for people. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An amount of money as it was reported, without the noise of binary fractions. */
export function amount(value: number): string {
  return String(Number(value.toFixed(6)));
}
