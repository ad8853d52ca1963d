import { type Client, type ConnectOptions, connect } from "@arcp/client";
import { ArcpError, type Dial, LocalError, TransportClosedError } from "@arcp/core";
import { dial } from "@arcp/transport-ws";
import type { ConnectionSettings } from "./connection-settings.ts";
import type { CommandContext } from "./context.ts";
import { shownUrl } from "./shown-url.ts";
import { ownVersion } from "./versions.ts";

/**
 * A client of the runtime that the settings name; the caller closes it.
 *
 * @throws LocalError `TRANSPORT_CLOSED`, in words for the user, if there is no runtime
 * @throws ArcpError what the runtime refuses with
 */
export async function openClient(
  { url, token }: ConnectionSettings,
  { signal, clock }: Pick<CommandContext, "signal" | "clock">,
  options: ConnectOptions = {},
): Promise<Client> {
  try {
    return await connect(dialOf(url), {
      client: { name: "arcp", version: ownVersion() },
      ...(token !== undefined && { token }),
      signal,
      clock,
      ...options,
    });
  } catch (error) {
    throw explained(error, url, token);
  }
}

/** @throws LocalError `MISUSE` for `ws:` to another machine; that it is an address has been checked before */
function dialOf(url: string): Dial {
  try {
    return dial(url);
  } catch (cause) {
    if (!url.startsWith("ws:")) throw cause;
    const text = `the token would go to ${shownUrl(url)} in the clear: use wss:`;
    throw new LocalError("MISUSE", text, { cause });
  }
}

function explained(error: unknown, address: string, token: string | undefined): unknown {
  const url = shownUrl(address);
  if (error instanceof ArcpError && error.code === "UNAUTHENTICATED" && token === undefined) {
    return new ArcpError(error.code, "none was given");
  }
  if (!(error instanceof LocalError)) return error;
  const cannot = (text: string) => new LocalError("TRANSPORT_CLOSED", text, { cause: error });
  switch (error.code) {
    case "TRANSPORT_CLOSED":
      return cannot(unreachable(error, url));
    case "REQUEST_TIMEOUT":
      return cannot(
        `${url} gives ${error.message}: the runtime is busy or stopped, or it is not a runtime`,
      );
    case "PROTOCOL_VIOLATION":
      return cannot(`what answers at ${url} does not speak ARCP: ${error.message}`);
    default:
      return error;
  }
}

/** One line only, although OpenSSL tends to say more. */
export function unreachable(error: LocalError, address: string): string {
  const url = shownUrl(address);
  const { code, message } = innermost(error);
  if (code === "ECONNREFUSED") {
    return `nothing listens at ${url}: start a runtime with \`arcp serve\`, or pass --url`;
  }
  if (code === "ENOTFOUND") return `${url} names an unknown host`;
  const status = /HTTP (\d+)/.exec(message)?.[1];
  if (status !== undefined) {
    // A web site may answer with these codes. 401, 403 and 5xx come from whatever is at the right place.
    const elsewhere = /^[23]|404|426/.test(status) && URL.parse(address)?.pathname !== "/arcp";
    const right = elsewhere ? ": most runtimes are at /arcp" : "";
    return `${url} answers HTTP ${status} instead of opening a WebSocket${right}`;
  }
  if (/wrong version number|packet length too long/.test(message)) {
    return `${url} does not speak TLS: try ws:`;
  }
  if (error instanceof TransportClosedError && error.reason !== undefined) {
    return `${url} closed the connection: ${error.reason}`;
  }
  return `${url} does not open a WebSocket: ${message.split("\n", 1)[0] || code}`;
}

function innermost(error: Error): NodeJS.ErrnoException {
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0];
  return cause instanceof Error ? innermost(cause) : error;
}
