/** Bytes of JSON that a value may take within an event; who works with it gets the whole (R-8.2-1). */
const MAX_SHOWN = 64 * 1024;

/** A value as the stream shows it: itself, or how large it is; undefined for what JSON has no word for. */
export function shown(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined) return undefined;
  if (text.length * 3 <= MAX_SHOWN) return value;
  const size = Buffer.byteLength(text);
  return size <= MAX_SHOWN ? value : { truncated: true, byte_size: size };
}
