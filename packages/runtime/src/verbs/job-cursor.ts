import { JobId } from "@arcp/core";
import type { JobRow } from "../store/index.ts";

/** A job's position in a listing, which stays valid when the job is gone (R-6.6-5). */
export type JobPlace = Pick<JobRow, "acceptedAt" | "id">;

/** Encodes the last entry of a page, which the reader has seen, and nothing else (R-6.6-2). */
export function formatCursor({ acceptedAt, id }: JobPlace): string {
  return Buffer.from(JSON.stringify([acceptedAt, id])).toString("base64url");
}

/** @returns undefined for a text that {@link formatCursor} did not write (R-6.6-6) */
export function readCursor(cursor: string): JobPlace | undefined {
  const place = placeOf(Buffer.from(cursor, "base64url").toString());
  // Node's base64 decoder accepts anything, so compare with what we would have written.
  return place !== undefined && formatCursor(place) === cursor ? place : undefined;
}

function placeOf(text: string): JobPlace | undefined {
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
