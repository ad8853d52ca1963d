import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Duplex } from "node:stream";
import { LocalError, type Transport, TransportClosedError } from "@arcp/core";
import { WebSocketServer } from "ws";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { serverWriter } from "./frame-writer.ts";
import { type HostRules, hostCheck } from "./host-check.ts";
import { isLoopback } from "./loopback.ts";
import { type PeerInfo, peerOf } from "./peer.ts";
import { pathOf, type RefusalStatus, refuseRequest, refuseUpgrade } from "./refusal.ts";

export interface AttachOptions extends HostRules, ConnectionOptions {
  /** Where the endpoint is, `/arcp` by default. */
  readonly path?: string;
  /** The bytes that one inbound message may have, 4 MiB by default (R-4.1-6). */
  readonly maxMessageSize?: number;
}

/**
 * Takes a new connection. Its failing with the connection (`TransportClosedError`) is taken as the end of that; any other
 * error is a bug: it closes the connection (`fault`) and stays unhandled, so the process hears of it.
 */
export type Accept = (transport: Transport, peer: PeerInfo) => unknown;

export interface Attachment extends AsyncDisposable {
  /**
   * Lets go of the server and closes the connections (`going-away`) without a word of ARCP, so close the runtime first.
   * Resolves once their sockets are gone. The server itself goes on.
   */
  close(): Promise<void>;
}

/**
 * Serves ARCP on one path of an HTTP server that exists already. Other paths are left to the server's other listeners;
 * where there are none, they get 404 instead of silence (R-4.1-2).
 *
 * @throws LocalError `MISUSE` for a path that does not start with `/` or an allowed host that is none
 */
export function attach(
  server: Server | SecureServer,
  options: AttachOptions,
  accept: Accept,
): Attachment {
  const { path = "/arcp", maxMessageSize = 4 * 1024 * 1024 } = options;
  if (!path.startsWith("/"))
    throw new LocalError("MISUSE", `the path must start with "/": ${path}`);
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageSize,
  });
  const isAdmitted = hostCheck(options);
  const connections = new Set<Connection>();

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (pathOf(request) !== path) {
      if (server.listenerCount("upgrade") === 1) refuseUpgrade(socket, 404);
      return;
    }
    const status = refusal(request);
    if (status !== undefined) {
      refuseUpgrade(socket, status);
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      const connection = new Connection(ws, socket, serverWriter(socket), options);
      connections.add(connection);
      void connection.gone.then(() => connections.delete(connection));
      void hand(connection, peerOf(request.socket));
    });
  };

  const refusal = (request: IncomingMessage): RefusalStatus | undefined => {
    if (!isAdmitted(request.headers, listensOnLoopback(server))) return 403;
    if (request.method !== "GET") return 405;
    if (request.headers.upgrade?.toLowerCase() !== "websocket") return 426;
    return undefined;
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (server.listenerCount("request") > 1) return;
    const wrong = request.method === "GET" ? 426 : 405;
    refuseRequest(response, pathOf(request) === path ? wrong : 404);
  };

  const hand = async (connection: Connection, peer: PeerInfo): Promise<void> => {
    try {
      await accept(connection, peer);
    } catch (error) {
      connection.close("fault");
      // A callback that reads or writes to the end fails with the connection, which is no bug of its own.
      if (!(error instanceof TransportClosedError)) throw error;
    }
  };

  const close = async (): Promise<void> => {
    server.off("upgrade", onUpgrade);
    server.off("request", onRequest);
    for (const connection of connections) connection.close("going-away");
    await Promise.all([...connections].map((connection) => connection.gone));
  };

  server.on("upgrade", onUpgrade);
  server.on("request", onRequest);
  return { close, [Symbol.asyncDispose]: close };
}

function listensOnLoopback(server: Server | SecureServer): boolean {
  const address = server.address();
  return typeof address === "object" && address !== null && isLoopback(address.address);
}
