import { type IncomingMessage, Server } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import { Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import {
  checkOptions,
  LocalError,
  lastWord,
  type OptionRules,
  rule,
  systemClock,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { type WebSocket, WebSocketServer } from "#ws";
import { Connection } from "./connection.ts";
import { CONNECTION_RULES, type ConnectionOptions } from "./connection-options.ts";
import { serverWriter } from "./frame-writer.ts";
import { type HostRules, hostCheck } from "./host-check.ts";
import { isLoopback } from "./loopback.ts";
import { type PeerInfo, peerOf } from "./peer.ts";
import { type RefusalStatus, refuseUpgrade } from "./refusal.ts";
import { type Endpoint, isWebSocket, UpgradeSwitch } from "./upgrade-switch.ts";

/** Where an endpoint is, and who may connect to it. */
export interface AttachOptions extends HostRules, ConnectionOptions {
  /** Where the endpoint is, `/arcp` by default. */
  readonly path?: string | undefined;
  /** The bytes that one inbound message may have, 4 MiB by default (R-4.1-6). */
  readonly maxMessageSize?: number | undefined;
  /**
   * The WebSocket sub-protocols to agree on with a client that offers some, `arcp` by default. None is asked for
   * (R-4.1-4); one that offers others alone gets none, which browsers take as a refusal.
   */
  readonly subprotocols?: readonly string[] | undefined;
  /**
   * Milliseconds in which a request for an upgrade has to be taken, 10,000 by default: one for another path that none of
   * the server's other listeners has answered by then gets 404.
   */
  readonly upgradeTimeout?: number | undefined;
}

export const ATTACH_RULES: OptionRules<AttachOptions> = {
  path: rule.text,
  // For `ws` zero is no limit at all.
  maxMessageSize: rule.aboveZero,
  subprotocols: rule.texts,
  upgradeTimeout: rule.wholeAboveZero,
  allowedHosts: rule.texts,
  allowedOrigins: rule.texts,
  ...CONNECTION_RULES,
};

/**
 * What `attach` takes: a server for HTTP/1, one over TLS that also speaks it (`allowHTTP1`), or whatever a framework calls
 * its server. One for HTTP/2 alone is refused, since it knows no upgrades.
 */
export type HttpServer = Server | HttpsServer | Http2SecureServer | Http2Server;

/**
 * Takes a new connection. Its failing with the connection (`TransportClosedError`) is taken as the end of that; any other
 * error is a bug: it closes the connection (`fault`), behind a `session.error` that tells no more than an ArcpError does, and
 * stays unhandled, so the process hears of it.
 *
 * @param request what the connection began with, for what a proxy in front has to say
 */
export type Accept = (transport: Transport, peer: PeerInfo, request: IncomingMessage) => unknown;

/** An endpoint on a server. */
export interface Attachment extends AsyncDisposable {
  /**
   * Lets go of the server and closes the connections (`going-away`) without a word of ARCP, so close the runtime first.
   * Resolves once their sockets are gone. The server itself goes on.
   */
  close(): Promise<void>;
}

/**
 * Serves ARCP on one path of an HTTP server that exists already. Everything else is left to the server's other
 * listeners; an upgrade that none of them takes gets 404 instead of silence (R-4.1-2).
 *
 * @throws LocalError `MISUSE` for a path that no request can name or that is taken by another attachment, an allowed
 *   host or origin that is none, what is no server or one for HTTP/2 alone, an `accept` that is no function, or an option of another kind or that
 *   there is not
 */
export function attach(server: HttpServer, options: AttachOptions, accept: Accept): Attachment {
  checkOptions("attach", options, ATTACH_RULES);
  return attachChecked(server, options, accept);
}

/** As {@link attach}, for whoever has checked the options among others. */
export function attachChecked(
  server: HttpServer,
  options: AttachOptions,
  accept: Accept,
): Attachment {
  if (!(server instanceof Server || server instanceof TlsServer)) {
    throw new LocalError("MISUSE", noServer(server));
  }
  if (typeof accept !== "function") {
    throw new LocalError("MISUSE", "the last argument must be a function, such as runtime.serve");
  }
  const { path = "/arcp", maxMessageSize = 4 * 1024 * 1024, subprotocols = ["arcp"] } = options;
  const { upgradeTimeout = UPGRADE_TIMEOUT, clock = systemClock } = options;
  // A request names none with a query, or beyond ASCII.
  if (URL.parse(`ws://host${path}`)?.pathname !== path)
    throw new LocalError("MISUSE", `the path must start with "/" and be encoded: ${path}`);
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageSize,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  const isAdmitted = hostCheck(options);
  const connections = new Set<Connection>();

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const status = refusal(request);
    if (status !== undefined) {
      refuseUpgrade(socket, status);
      return;
    }
    const peer = peerOf(request);
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      void hand(opened(ws, socket), peer, request);
    });
  };

  // A function of its own, or what waits for the end would keep the request of every connection for as long.
  const opened = (ws: WebSocket, socket: Duplex): Connection => {
    const connection = new Connection(ws, socket, serverWriter(socket), options);
    connections.add(connection);
    void connection.gone.then(() => connections.delete(connection));
    return connection;
  };

  const refusal = (request: IncomingMessage): RefusalStatus | undefined => {
    if (!isAdmitted(request.headers, listensOnLoopback(server))) return 403;
    if (request.method !== "GET") return 405;
    if (!isWebSocket(request)) return 426;
    return undefined;
  };

  const hand = async (
    connection: Connection,
    peer: PeerInfo,
    request: IncomingMessage,
  ): Promise<void> => {
    try {
      await accept(connection, peer, request);
    } catch (error) {
      connection.send([lastWord(error)]).catch(() => {});
      connection.close("fault");
      // A callback that reads or writes to the end fails with the connection, which is no bug of its own.
      if (!(error instanceof TransportClosedError)) throw error;
    }
  };

  const upgrades = UpgradeSwitch.of(server);
  const endpoint: Endpoint = { path, upgradeTimeout, clock, upgrade };
  upgrades.add(endpoint);

  const close = async (): Promise<void> => {
    upgrades.remove(endpoint);
    for (const connection of connections) connection.close("going-away");
    await Promise.all([...connections].map((connection) => connection.gone));
  };
  return { close, [Symbol.asyncDispose]: close };
}

/** The default of `upgradeTimeout`, in ms. */
export const UPGRADE_TIMEOUT = 10_000;

/** What is wrong with what was given for a server: as a rule it is the framework instead of the server under it. */
function noServer(given: unknown): string {
  return given instanceof NetServer
    ? "attach takes an HTTP/1 server: an HTTP/2-only server has no upgrades"
    : "attach takes a server of node:http or node:https; with a framework, the server beneath it, such as what Express's app.listen() returns";
}

function listensOnLoopback(server: HttpServer): boolean {
  const address = server.address();
  return typeof address === "object" && address !== null && isLoopback(address.address);
}
