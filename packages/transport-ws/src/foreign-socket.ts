import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Handles the reset of a socket that the server has handed over and nobody listens to yet: unhandled, its error would end the
 * process. Any other unhandled error comes from a handler, and is still thrown as it would be without us.
 */
export function guard(socket: Duplex): void {
  socket.on("error", (error) => {
    const alone = socket.listenerCount("error") === 1;
    // Network errors come from a system call.
    if (alone && !("syscall" in error)) throw error;
  });
}

/** How many bytes were written so far; the connection may have served other requests before. */
export function writtenBytes(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesWritten : 0;
}

/** Whether somebody has answered on the socket since, closed it, or reads it. @param before the bytes written by then */
export function isTaken(socket: Duplex, before: number): boolean {
  return !socket.writable || socket.readableFlowing !== null || writtenBytes(socket) !== before;
}
