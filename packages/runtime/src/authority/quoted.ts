import { clip } from "./clip.ts";

/** What was given in the place of something else, as an error may repeat it: like JSON, which tells a text from a number. */
export function quoted(value: unknown): string {
  try {
    // What JSON has no word for is told by its kind.
    return clip(JSON.stringify(value, legible) ?? typeof value);
  } catch {
    return "something that is not JSON";
  }
}

function legible(_: string, part: unknown): unknown {
  return typeof part === "bigint" ? `${part}n` : part;
}
