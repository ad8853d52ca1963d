import type { FileHandle } from "node:fs/promises";
import { ArcpError } from "@arcp/core";

/** Bytes per read, so that the end of a job is noticed in between. */
const PIECE = 512 * 1024;

/** Limits of a read. */
export interface ReadLimits {
  /** Bytes. */
  readonly most: number;
  /** Aborts the read, with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Reads a regular file. If the file grows meanwhile, reads its size at the start.
 *
 * @param path as text for people
 * @throws ArcpError `INVALID_REQUEST` if it is too large, without reading it
 */
export async function readContent(
  handle: FileHandle,
  path: string,
  limits: ReadLimits,
): Promise<Buffer> {
  const { size } = await handle.stat();
  if (size > limits.most) throw tooLarge(path, limits.most);
  if (size > 0) return await readPiece(handle, size, limits.signal);
  // Either it is empty, or it is a system file that reports no size, such as those below /proc.
  const pieces: Buffer[] = [];
  for (let room = limits.most + 1; room > 0; ) {
    const piece = await readPiece(handle, Math.min(room, PIECE), limits.signal);
    if (piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
    room -= piece.length;
  }
  throw tooLarge(path, limits.most);
}

/** @returns so many bytes, or fewer at the end of the file */
async function readPiece(handle: FileHandle, size: number, signal: AbortSignal): Promise<Buffer> {
  const piece = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(piece, length, Math.min(size - length, PIECE));
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return piece.subarray(0, length);
}

function tooLarge(path: string, most: number): ArcpError {
  return new ArcpError(
    "INVALID_REQUEST",
    `${path} is larger than ${most} bytes (limits.fileBytes)`,
  );
}
