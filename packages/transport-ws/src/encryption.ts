import type { Duplex } from "node:stream";

/** Whether it is a socket of TLS. Told by what it says of itself: Bun has one class for all sockets. */
export function isEncrypted(socket: Duplex): boolean {
  return "encrypted" in socket && socket.encrypted === true;
}
