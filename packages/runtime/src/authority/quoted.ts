import { clip } from "./clip.ts";

/** Formats an unexpected value for use in an error: as JSON, which distinguishes strings from numbers. */
export function quoted(value: unknown): string {
  try {
    // Values without a JSON form are described by their type.
    return clip(JSON.stringify(value, legible) ?? typeof value);
  } catch {
    return "something that is not JSON";
  }
}

function legible(_: string, part: unknown): unknown {
  return typeof part === "bigint" ? `${part}n` : part;
}
