import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { checkOptions, LocalError, type OptionRules, rule } from "@arcp/core";
import {
  type Accept,
  ATTACH_RULES,
  type AttachOptions,
  attachChecked,
  UPGRADE_TIMEOUT,
} from "./attach.ts";

/** Where a server listens. */
export interface ListenOptions extends AttachOptions {
  /** The port; 0 picks a free one, which `url` then names. */
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

/** A server made by `listen`. */
export interface ListeningServer extends AsyncDisposable {
  /** The URL that a client on this machine dials, such as `ws://127.0.0.1:7777/arcp`. */
  readonly url: string;
  /**
   * Stops accepting and closes the connections (`going-away`) without an ARCP goodbye, so close the runtime first. Resolves once
   * every socket is gone.
   */
  close(): Promise<void>;
}

/**
 * Serves ARCP on its own port. Anything but a WebSocket upgrade on the path gets an HTTP error (R-4.1-2); a connection that has
 * not requested its upgrade within `upgradeTimeout` is closed with 408.
 * Rejects with the system's error if the port is not available, and with whatever `attach` throws.
 */
export async function listen(options: ListenOptions, accept: Accept): Promise<ListeningServer> {
  if (typeof options === "function") {
    throw new LocalError(
      "MISUSE",
      "the options are missing: listen({ port: 7777 }, runtime.serve)",
    );
  }
  checkOptions("listen", options, RULES);
  const { port, host = "127.0.0.1", path = "/arcp", upgradeTimeout = UPGRADE_TIMEOUT } = options;
  const server = createServer({
    headersTimeout: upgradeTimeout,
    requestTimeout: upgradeTimeout,
    // Node requires whole milliseconds.
    connectionsCheckingInterval: Math.ceil(upgradeTimeout / 10),
  });
  const attachment = attachChecked(server, options, accept);
  server.listen(port, host);
  await once(server, "listening");
  // Failing to accept one connection must not end the process.
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
