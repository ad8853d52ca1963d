import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { isLoopback } from "./loopback.ts";

/** What is known of the other end of a connection before it has said anything. */
export interface PeerInfo {
  /** Its IP address; empty when it has none, as behind a Unix domain socket. */
  readonly address: string;
  /** The connection is encrypted up to this process; a proxy in front of it does not show. */
  readonly secure: boolean;
  /** It runs on this machine. */
  readonly loopback: boolean;
}

export function peerOf(socket: Socket): PeerInfo {
  const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "");
  return {
    address: address ?? "",
    secure: socket instanceof TLSSocket,
    loopback: address === undefined || isLoopback(address),
  };
}
