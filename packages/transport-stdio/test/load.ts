import { createHash } from "node:crypto";

/** Bytes of one chunk of a streamed result. */
export const CHUNK = 256 * 1024;

/** What the event with this number says. */
export function textOf(i: number): string {
  return `event ${i}: naïve ☃ 🚀\n${"x".repeat(i % 100)}`;
}

/** The chunk with this number: bytes that no compression and no text encoding survives by luck. */
export function chunkOf(i: number): Buffer {
  const seed = createHash("sha256").update(`${i}`).digest();
  return Buffer.alloc(CHUNK, seed);
}

/** How many frames a reader who does not read is sent: 32 MiB. */
export const FRAMES = 2_048;

/** One of them, with its number. */
export function unreadFrame(i: number): string {
  return JSON.stringify({ i, filler: "x".repeat(16 * 1024) });
}
