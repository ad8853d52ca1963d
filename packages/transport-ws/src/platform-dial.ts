import { type Clock, type Dial, LocalError, systemClock, TransportClosedError } from "@arcp/core";
import { checkedAddress } from "./address.ts";
import { PlatformConnection } from "./platform-connection.ts";

/** How to dial a runtime on platforms without Node's modules. */
export interface DialOptions {
  /** Allows `ws:` to another machine, although anyone on the network path can read the token. False by default (R-4.1-5). */
  readonly allowInsecure?: boolean | undefined;
  /** The largest inbound message, in bytes; 16 MiB by default (R-4.1-6). Checked only once the whole message has arrived. */
  readonly maxMessageSize?: number | undefined;
  /** The source of time. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Not allowed: a browser sends only its own headers. The token goes into the hello. */
  readonly headers?: never;
  /** Not allowed: a browser trusts what its user trusts. */
  readonly tls?: never;
  /** Not allowed: a browser decides itself how long it waits for a clean close. */
  readonly closeTimeout?: never;
}

/**
 * Makes the dial function for a runtime over the platform's own WebSocket, for example `dial("wss://agents.example/arcp")`. Each
 * call of that function opens a new connection. It rejects with the signal's reason, or with a `TransportClosedError`, whose
 * reason is `refused` if the platform does not even try. A page never sees an HTTP response that comes instead of the upgrade.
 *
 * @throws LocalError `MISUSE` for anything but a `ws:` or `wss:` URL, for `ws:` to another machine (R-4.1-5), and for an option
 *   that is unknown or that browsers cannot honour
 */
export function dial(url: string | URL, options: DialOptions = {}): Dial {
  const {
    allowInsecure = false,
    maxMessageSize = 16 * 1024 * 1024,
    clock = systemClock,
    ...foreign
  } = options;
  for (const [name, value] of Object.entries(foreign)) {
    if (value === undefined) continue;
    const why = "pass a token to connect(); the platform's WebSocket decides the rest";
    throw new LocalError("MISUSE", `dial takes no ${name} here: ${why}`);
  }
  const address = checkedAddress(url, allowInsecure);
  return async (signal) => {
    signal.throwIfAborted();
    const ws = open(address);
    const opened = Promise.withResolvers<PlatformConnection>();
    const abort = (): void => {
      opened.reject(signal.reason);
      ws.close();
    };
    signal.addEventListener("abort", abort, { once: true });
    ws.addEventListener("open", () => {
      opened.resolve(new PlatformConnection(ws, { maxMessageSize, clock }));
    });
    ws.addEventListener("error", (event) => {
      const cause =
        "error" in event ? event.error : new Error("no server, or it refused; a page cannot tell");
      opened.reject(new TransportClosedError(undefined, { cause }));
    });
    try {
      return await opened.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

/** Opens a socket. The platform may refuse: a page loaded over `https:` may not open `ws:`, for example. */
function open(address: URL): WebSocket {
  try {
    return new WebSocket(address);
  } catch (cause) {
    throw new TransportClosedError("refused", { cause });
  }
}
