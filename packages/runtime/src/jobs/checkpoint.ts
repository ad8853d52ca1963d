import { ArcpError } from "@arcp/core";

/** Bytes of JSON that one checkpoint may take. */
const MAX_CHECKPOINT = 1024 * 1024;

/** @throws ArcpError `INVALID_REQUEST` for what is no JSON value, or too large */
export function checkpointText(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new ArcpError("INVALID_REQUEST", "a checkpoint must be a JSON value");
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_CHECKPOINT) {
    throw new ArcpError(
      "INVALID_REQUEST",
      `a checkpoint may take 1 MiB of JSON, not ${bytes} bytes`,
    );
  }
  return text;
}
