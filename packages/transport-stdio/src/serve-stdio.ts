import {
  checkOptions,
  LocalError,
  lastWord,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { takeStdout } from "./own-stdout.ts";
import { STREAM_RULES, type StreamOptions, StreamTransport } from "./stream-transport.ts";

/** What is known about the process at the other end of a pipe: it runs on this machine. */
export interface PeerInfo {
  /** Empty: a pipe has none. */
  readonly address: string;
  /** False: a pipe is not encrypted. */
  readonly secure: boolean;
  /** True: it is on this machine. */
  readonly loopback: boolean;
}

/** Handles the connection. If it fails with a `TransportClosedError`, that counts as the end of the connection. */
export type Accept = (transport: Transport, peer: PeerInfo) => unknown;

/**
 * Serves ARCP on the standard streams of this process, to the process that started it. From now on, stdout is reserved for the
 * protocol: what agents write to it, even by `console.log`, goes to stderr (R-4.2-2).
 *
 * @returns a promise that resolves once the connection is over, for example because the parent is gone. Nobody can reconnect, so
 *   close the runtime then and let the process end (R-4.2-5)
 * @throws LocalError `MISUSE` if they are already being served, if `accept` is not a function, and for an unknown or invalid option
 * @throws whatever else `accept` fails with, once the connection is closed (`fault`) after a `session.error` that reveals no more
 *   than an ArcpError does
 */
export async function serveStdio(accept: Accept, options: StreamOptions = {}): Promise<void> {
  if (typeof accept !== "function") {
    throw new LocalError("MISUSE", "serveStdio takes a function, such as runtime.serve");
  }
  checkOptions("serveStdio", options, STREAM_RULES);
  const transport = new StreamTransport(process.stdin, takeStdout(), options);
  try {
    await accept(transport, { address: "", secure: false, loopback: true });
  } catch (error) {
    transport.send([lastWord(error)]).catch(() => {});
    transport.close("fault");
    await transport.gone;
    if (!(error instanceof TransportClosedError)) throw error;
  }
  await transport.gone;
}
