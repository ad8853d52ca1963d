import type { IncomingMessage } from "node:http";
import { isEncrypted } from "./encryption.ts";
import { isLoopback } from "./loopback.ts";

/** What is known about the other end of a connection before it has sent anything. */
export interface PeerInfo {
  /** Its IP address; empty if it has none, as with a Unix domain socket. */
  readonly address: string;
  /** Whether the connection is encrypted up to this process. Encryption that ends at a proxy does not count. */
  readonly secure: boolean;
  /** Whether the peer runs on this machine. */
  readonly loopback: boolean;
  /**
   * The token of its `Authorization: Bearer` header, if it sent one. A function, so that printing a peer does not reveal the
   * token (R-6.1-5).
   */
  readonly bearer?: () => string;
}

/** @returns undefined if the peer has already disconnected, since its address is no longer known then */
export function peerOf({ socket, headers }: IncomingMessage): PeerInfo | undefined {
  const { remoteAddress, localAddress } = socket;
  // On a Unix domain socket the remote address is missing too, but so is the local one.
  if (remoteAddress === undefined && localAddress !== undefined) return undefined;
  const address = remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "");
  const token = /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
  return {
    address: address ?? "",
    secure: isEncrypted(socket),
    loopback: address === undefined || isLoopback(address),
    ...(token !== undefined && { bearer: () => token }),
  };
}
