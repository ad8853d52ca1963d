import type { IncomingMessage } from "node:http";
import { isEncrypted } from "./encryption.ts";
import { isLoopback } from "./loopback.ts";

/** What is known of the other end of a connection before it has said anything. */
export interface PeerInfo {
  /** Its IP address; empty when it has none, as behind a Unix domain socket. */
  readonly address: string;
  /** The connection is encrypted up to this process; a proxy in front of it does not show. */
  readonly secure: boolean;
  /** It runs on this machine. */
  readonly loopback: boolean;
  /**
   * The token of its `Authorization: Bearer` header, if it sent one. A function, so that whoever prints a peer does not
   * print that (R-6.1-5).
   */
  readonly bearer?: () => string;
}

/** @returns undefined for one that has gone since it asked: who it was cannot be told any more */
export function peerOf({ socket, headers }: IncomingMessage): PeerInfo | undefined {
  const { remoteAddress, localAddress } = socket;
  // Whoever comes by a Unix domain socket has none either, but there neither end has.
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
