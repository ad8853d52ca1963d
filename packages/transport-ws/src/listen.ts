import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { checkOptions, type OptionRules, rule } from "@arcp/core";
import {
  type Accept,
  ATTACH_RULES,
  type AttachOptions,
  attachChecked,
  UPGRADE_TIMEOUT,
} from "./attach.ts";

/** Where a server listens. */
export interface ListenOptions extends AttachOptions {
  /** 0 takes a free one, which `url` then names. */
  readonly port: number;
  /** The interface to listen on, `127.0.0.1` by default. For TLS, `attach` to an HTTPS server. */
  readonly host?: string | undefined;
}

const RULES: OptionRules<ListenOptions> = {
  port: rule.required(
    rule.some(
      "a whole number from 0 to 65535",
      (value) => typeof value === "number" && value >= 0 && value <= 65_535 && value % 1 === 0,
    ),
  ),
  host: rule.text,
  ...ATTACH_RULES,
};

/** A server of its own. */
export interface ListeningServer extends AsyncDisposable {
  /** What a client on this machine dials, such as `ws://127.0.0.1:7777/arcp`. */
  readonly url: string;
  /**
   * Stops to accept, closes the connections (`going-away`) without a word of ARCP, so close the runtime first. Resolves
   * once every socket is gone.
   */
  close(): Promise<void>;
}

/**
 * Serves ARCP on a port of its own. What is no WebSocket upgrade on the path gets an HTTP error (R-4.1-2), a connection
 * that has not asked for its upgrade within `upgradeTimeout` is closed with 408.
 * Rejects with the system's error when the port cannot be had, and with what `attach` throws.
 */
export async function listen(options: ListenOptions, accept: Accept): Promise<ListeningServer> {
  checkOptions("listen", options, RULES);
  const { port, host = "127.0.0.1", path = "/arcp", upgradeTimeout = UPGRADE_TIMEOUT } = options;
  const server = createServer({
    headersTimeout: upgradeTimeout,
    requestTimeout: upgradeTimeout,
    // Whole milliseconds are asked for.
    connectionsCheckingInterval: Math.ceil(upgradeTimeout / 10),
  });
  const attachment = attachChecked(server, options, accept);
  server.listen(port, host);
  await once(server, "listening");
  // A failure to accept one connection is no reason to end the process.
  server.on("error", () => {});

  const stop = async (): Promise<void> => {
    const stopped = once(server, "close");
    server.close();
    const parted = attachment.close();
    server.closeAllConnections();
    await Promise.all([stopped, parted]);
  };
  let stopping: Promise<void> | undefined;
  const close = (): Promise<void> => {
    stopping ??= stop();
    return stopping;
  };
  return { url: urlOf(server.address(), path), close, [Symbol.asyncDispose]: close };
}

function urlOf(address: AddressInfo | string | null, path: string): string {
  if (address === null || typeof address === "string") return "";
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `ws://${host}:${address.port}${path}`;
}
