import { MAX_JSON_DEPTH, nestsDeeperThan } from "@arcp/core";
import { jsonMethod } from "./json-method.ts";

/** The most bytes of JSON that a value may take within an event; the tool itself gets all of it (R-8.2-1). */
const MAX_SHOWN = 64 * 1024;

/** The most levels of nesting, so that the event as a whole stays within what peers read (R-5.2-7). */
const MAX_LEVELS = MAX_JSON_DEPTH - 8;

/** A value as the stream shows it: itself, or only its size if it is too large or too deep; undefined if it has no JSON form. */
export function shown(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined) return undefined;
  const isDeep = nestsDeeperThan(text, MAX_LEVELS);
  const isSmall = text.length * 3 <= MAX_SHOWN || Buffer.byteLength(text) <= MAX_SHOWN;
  if (!isSmall || isDeep) return { truncated: true, byte_size: Buffer.byteLength(text) };
  // A `toJSON` might return something else the next time, so keep what it returned now.
  return jsonMethod(value) === undefined ? value : JSON.parse(text);
}
