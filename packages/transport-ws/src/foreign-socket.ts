import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Survives the reset of a socket that the server has let go of and nobody listens to yet: unhandled, its error would end
 * the process. Any other error that nobody listens to is a handler's own, and stays as loud as it would be without us.
 */
export function guard(socket: Duplex): void {
  socket.on("error", (error) => {
    const alone = socket.listenerCount("error") === 1;
    // What the network says comes from a call of the system.
    if (alone && !("syscall" in error)) throw error;
  });
}

/** The bytes written so far; the connection may have served other requests before. */
export function writtenBytes(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesWritten : 0;
}

/** Whether somebody has answered since, closed it, or reads it. @param before what it had written when it was let go */
export function isTaken(socket: Duplex, before: number): boolean {
  return !socket.writable || socket.readableFlowing !== null || writtenBytes(socket) !== before;
}
