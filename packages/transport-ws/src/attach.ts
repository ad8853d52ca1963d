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
import { Opening } from "./opening.ts";
import { type PeerInfo, peerOf } from "./peer.ts";
import { type RefusalStatus, refuseUpgrade } from "./refusal.ts";
import { type Endpoint, isWebSocket, UpgradeSwitch } from "./upgrade-switch.ts";

/** Where an endpoint is, and who may connect to it. */
export interface AttachOptions extends HostRules, ConnectionOptions {
  /** Where the endpoint is, `/arcp` by default. */
  readonly path?: string | undefined;
  /** The largest inbound message, in bytes; 4 MiB by default (R-4.1-6). */
  readonly maxMessageSize?: number | undefined;
  /**
   * The most that a connection may send up to the end of its first message, in bytes, where each packet counts 400 more; 128 KiB by
   * default (R-4.1-8). Nothing behind that message is read until `accept` wants the next one, which `runtime.serve` does once there is
   * a session.
   */
  readonly maxOpeningSize?: number | undefined;
  /**
   * How many connections may be waiting for their first message to be handled; 1,000 by default. Beyond that, an upgrade gets HTTP
   * 503.
   */
  readonly maxOpenings?: number | undefined;
  /**
   * The WebSocket sub-protocols to accept from a client that offers some, `arcp` by default. None is required (R-4.1-4). A
   * client that offers only others gets none, which browsers treat as a refusal.
   */
  readonly subprotocols?: readonly string[] | undefined;
  /**
   * How long an upgrade request for another path may wait for one of the server's other listeners before it gets 404, in
   * milliseconds; 10,000 by default.
   */
  readonly upgradeTimeout?: number | undefined;
}

export const ATTACH_RULES: OptionRules<AttachOptions> = {
  path: rule.text,
  // `ws` takes zero for no limit at all.
  maxMessageSize: rule.aboveZero,
  maxOpeningSize: rule.aboveZero,
  maxOpenings: rule.aboveZero,
  subprotocols: rule.texts,
  upgradeTimeout: rule.wholeAboveZero,
  allowedHosts: rule.texts,
  allowedOrigins: rule.texts,
  ...CONNECTION_RULES,
};

/**
 * The servers that `attach` accepts: an HTTP/1 server, an HTTP/2 server over TLS that also speaks HTTP/1 (`allowHTTP1`), or
 * whatever type a framework gives its server. An HTTP/2-only server is refused, since it has no upgrades.
 */
export type HttpServer = Server | HttpsServer | Http2SecureServer | Http2Server;

/**
 * Handles a new connection. If it fails with a `TransportClosedError`, that counts as the end of the connection. Any other error
 * is a bug: it closes the connection (`fault`), after a `session.error` that reveals no more than an ArcpError does, and stays
 * unhandled, so that the process notices.
 *
 * @param request the upgrade request of the connection, for example to read headers that a proxy added
 */
export type Accept = (transport: Transport, peer: PeerInfo, request: IncomingMessage) => unknown;

/** An endpoint on a server. */
export interface Attachment extends AsyncDisposable {
  /**
   * Detaches from the server and closes the connections (`going-away`) without an ARCP goodbye, so close the runtime first.
   * Resolves once their sockets are gone. The server itself keeps running.
   */
  close(): Promise<void>;
}

/**
 * Serves ARCP on one path of an existing HTTP server. Everything else is left to the server's other listeners; an upgrade that
 * none of them handles gets 404 instead of silence (R-4.1-2).
 *
 * @throws LocalError `MISUSE` for a path that no request can name or that another attachment uses, an invalid allowed host or
 *   origin, anything but a server or an HTTP/2-only one, an `accept` that is not a function, or an unknown or invalid option
 */
export function attach(server: HttpServer, options: AttachOptions, accept: Accept): Attachment {
  // Often left out, since they may be empty.
  if (typeof options === "function") {
    throw new LocalError("MISUSE", "the options are missing: attach(server, {}, runtime.serve)");
  }
  checkOptions("attach", options, ATTACH_RULES);
  return attachChecked(server, options, accept);
}

/** Like {@link attach}, for callers that have already checked the options together with others. */
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
  const { maxOpeningSize = 128 * 1024, maxOpenings = 1000 } = options;
  const { upgradeTimeout = UPGRADE_TIMEOUT, clock = systemClock } = options;
  // The path of a request never contains a query or non-ASCII characters.
  if (URL.parse(`ws://host${path}`)?.pathname !== path)
    throw new LocalError("MISUSE", `the path must start with "/" and be encoded: ${path}`);
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageSize,
    // Each costs hundreds of bytes beyond its own. The full size fits in frames of 4 KiB, and in packets of 256 bytes.
    maxFragments: Math.max(1024, Math.ceil(maxMessageSize / 4096)),
    maxBufferedChunks: Math.max(16 * 1024, Math.ceil(maxMessageSize / 256)),
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  const isAdmitted = hostCheck(options);
  const connections = new Set<Connection>();
  let openings = 0;

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

  // A separate function, or the closures that wait for the end would keep every connection's request in memory as long.
  const opened = (ws: WebSocket, socket: Duplex): Connection => {
    const opening = new Opening(ws, socket, maxOpeningSize);
    const connection = new Connection(ws, socket, serverWriter(socket), options, opening);
    openings += 1;
    void opening.over.then(() => {
      openings -= 1;
    });
    connections.add(connection);
    void connection.gone.then(() => connections.delete(connection));
    return connection;
  };

  const refusal = (request: IncomingMessage): RefusalStatus | undefined => {
    if (!isAdmitted(request.headers, listensOnLoopback(server))) return 403;
    if (request.method !== "GET") return 405;
    if (!isWebSocket(request)) return 426;
    return openings < maxOpenings ? undefined : 503;
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
      // An `accept` that reads or writes until the end fails along with the connection, which is not a bug.
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

/** What is wrong with the `server` argument: usually it is the framework instead of its underlying server. */
function noServer(given: unknown): string {
  return given instanceof NetServer
    ? "attach takes an HTTP/1 server: an HTTP/2-only server has no upgrades"
    : "attach takes a server of node:http or node:https; with a framework, the server beneath it, such as what Express's app.listen() returns";
}

function listensOnLoopback(server: HttpServer): boolean {
  const address = server.address();
  return typeof address === "object" && address !== null && isLoopback(address.address);
}
