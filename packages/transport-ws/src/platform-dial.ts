import { type Clock, type Dial, LocalError, systemClock, TransportClosedError } from "@arcp/core";
import { checkedAddress } from "./address.ts";
import { PlatformConnection } from "./platform-connection.ts";

/** How a runtime is dialled from where there is no Node. */
export interface DialOptions {
  /** Allows `ws:` to another machine, where anyone on the way reads the token. False by default (R-4.1-5). */
  readonly allowInsecure?: boolean | undefined;
  /** The bytes that one inbound message may have, 16 MiB by default (R-4.1-6). It is whole before it can be measured. */
  readonly maxMessageSize?: number | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Refused: a browser sends no headers but its own. The token goes in the hello. */
  readonly headers?: never;
  /** Refused: a browser trusts what its user trusts. */
  readonly tls?: never;
  /** Refused: a browser waits for a goodbye as long as it likes. */
  readonly closeTimeout?: never;
}

/**
 * A way to a runtime over the platform's own WebSocket, such as `dial("wss://agents.example/arcp")`. Each call opens a new
 * connection. It rejects with the signal's reason, or with a `TransportClosedError` whose reason is `refused` when the
 * platform does not even try. An HTTP answer in the upgrade's place is not shown to a page.
 *
 * @throws LocalError `MISUSE` for what is no `ws:` or `wss:` URL, for `ws:` to another machine (R-4.1-5), and for an option
 *   that no browser can honour, or that there is not
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
      const cause = "error" in event ? event.error : new Error("the platform does not say why");
      opened.reject(new TransportClosedError(undefined, { cause }));
    });
    try {
      return await opened.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

/** For instance, a page that came over `https:` may not open `ws:`. */
function open(address: URL): WebSocket {
  try {
    return new WebSocket(address);
  } catch (cause) {
    throw new TransportClosedError("refused", { cause });
  }
}
