import type { SecureContextOptions } from "node:tls";
import {
  type CloseReason,
  checkOptions,
  type Dial,
  type OptionRules,
  rule,
  TransportClosedError,
} from "@arcp/core";
import { WebSocket } from "#ws";
import { checkedAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { CONNECTION_RULES, type ConnectionOptions } from "./connection-options.ts";
import { clientWriter } from "./frame-writer.ts";

/** How to dial a runtime. */
export interface DialOptions extends ConnectionOptions {
  /** Allows `ws:` to another machine, although anyone on the network path can read the token. False by default (R-4.1-5). */
  readonly allowInsecure?: boolean | undefined;
  /** The largest inbound message, in bytes; 16 MiB by default (R-4.1-6). */
  readonly maxMessageSize?: number | undefined;
  /** Headers to send with the upgrade request, for example for a proxy. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For `wss:`: certificate authorities to trust (`ca`), a client certificate (`cert`, `key`), and so on. */
  readonly tls?: SecureContextOptions | undefined;
}

const RULES: OptionRules<DialOptions> = {
  allowInsecure: rule.flag,
  maxMessageSize: rule.aboveZero,
  headers: rule.table,
  tls: rule.table,
  ...CONNECTION_RULES,
};

/**
 * Makes the dial function for a runtime over WebSocket, for example `dial("wss://agents.example/arcp")`. Each call of that
 * function opens a new connection. It rejects with the signal's reason, or with a `TransportClosedError`, whose reason is
 * `refused` if the server's HTTP response makes another attempt pointless.
 *
 * @throws LocalError `MISUSE` for anything but a `ws:` or `wss:` URL, for `ws:` to another machine (R-4.1-5), and for an unknown
 *   or invalid option
 */
export function dial(url: string | URL, options: DialOptions = {}): Dial {
  checkOptions("dial", options, RULES);
  const address = checkedAddress(url, options.allowInsecure ?? false);
  const { headers, tls, maxMessageSize = 16 * 1024 * 1024 } = options;
  return async (signal) => {
    signal.throwIfAborted();
    const ws = new WebSocket(address, {
      ...tls,
      headers: { ...headers },
      maxPayload: maxMessageSize,
      perMessageDeflate: false,
    });
    const opened = Promise.withResolvers<Connection>();
    ws.once("upgrade", ({ socket }) => {
      ws.once("open", () => {
        opened.resolve(new Connection(ws, socket, clientWriter(ws, socket), options));
      });
    });
    ws.once("unexpected-response", (_request, { statusCode }) => {
      const cause = new Error(`the server answered HTTP ${statusCode} for ${address.pathname}`);
      opened.reject(new TransportClosedError(reasonOf(statusCode ?? 0), { cause }));
      ws.terminate();
    });
    ws.on("error", (cause) => opened.reject(new TransportClosedError(undefined, { cause })));
    const abort = (): void => {
      opened.reject(signal.reason);
      ws.terminate();
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await opened.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

/** Request Timeout, Too Early, Too Many Requests, Service Unavailable: temporary, whatever the request. */
const PASSING: readonly number[] = [408, 425, 429, 503];

/** A refused request will be refused again; a busy or restarting server, or a proxy without one, may accept it later. */
function reasonOf(status: number): CloseReason | undefined {
  if (PASSING.includes(status)) return "going-away";
  return status >= 400 && status < 500 ? "refused" : undefined;
}
