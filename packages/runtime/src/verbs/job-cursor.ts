import { JobId } from "@arcp/core";
import type { Place } from "../store/index.ts";

/**
 * Encodes the place of a page's last entry, which the reader has seen, and nothing else (R-6.6-2). It stays valid when that job is
 * gone (R-6.6-5).
 */
export function formatCursor({ acceptedAt, id }: Place): string {
  return Buffer.from(JSON.stringify([acceptedAt, id])).toString("base64url");
}

/** @returns undefined for a text that {@link formatCursor} did not write (R-6.6-6) */
export function readCursor(cursor: string): Place | undefined {
  const place = placeOf(Buffer.from(cursor, "base64url").toString());
  // Node's base64 decoder accepts anything, so compare with what we would have written.
  return place !== undefined && formatCursor(place) === cursor ? place : undefined;
}

function placeOf(text: string): Place | undefined {
  let place: unknown;
  try {
    place = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(place) || place.length !== 2) return undefined;
  const [acceptedAt, id] = place as unknown[];
  const job = JobId.safeParse(id);
  return Number.isSafeInteger(acceptedAt) && job.success
    ? { acceptedAt: acceptedAt as number, id: job.data }
    : undefined;
}
