import type { Duplex } from "node:stream";

/** Whether the socket uses TLS. Checks a property instead of the class, since Bun has one class for all sockets. */
export function isEncrypted(socket: Duplex): boolean {
  return "encrypted" in socket && socket.encrypted === true;
}
