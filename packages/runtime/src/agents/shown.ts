import { MAX_JSON_DEPTH, nestsDeeperThan } from "@arcp/core";
import { jsonMethod } from "./json-method.ts";

/** Bytes of JSON that a value may take within an event; who works with it gets the whole (R-8.2-1). */
const MAX_SHOWN = 64 * 1024;

/** Levels that it may nest, so that with those around it an event stays within what is read (R-5.2-7). */
const MAX_LEVELS = MAX_JSON_DEPTH - 8;

/** A value as the stream shows it: itself or, of a large or deep one, how large it is; undefined for what JSON has no word for. */
export function shown(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined) return undefined;
  const isDeep = nestsDeeperThan(text, MAX_LEVELS);
  const isSmall = text.length * 3 <= MAX_SHOWN || Buffer.byteLength(text) <= MAX_SHOWN;
  if (!isSmall || isDeep) return { truncated: true, byte_size: Buffer.byteLength(text) };
  // A method of its own that is asked again may say something else, or nothing.
  return jsonMethod(value) === undefined ? value : JSON.parse(text);
}
