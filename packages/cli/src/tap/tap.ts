import {
  type Clock,
  type CloseReason,
  LocalError,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { dial, type ListeningServer, listen, type PeerInfo } from "@arcp/transport-ws";
import { unreachable } from "../open-client.ts";

/** Who says something. */
export type Side = "client" | "runtime";

type Happening =
  | { readonly kind: "opened"; readonly address: string }
  | { readonly kind: "frame"; readonly from: Side; readonly text: string }
  | { readonly kind: "unreachable"; readonly why: string }
  /** The reason is undefined if the connection broke without one. */
  | { readonly kind: "closed"; readonly by: Side; readonly reason: CloseReason | undefined };

/** What the tap observed. `at` is milliseconds since 1970; connections are counted from 1. */
export type Sight = Happening & { readonly at: number; readonly connection: number };

export interface TapOptions {
  readonly port: number;
  /** The runtime behind the tap. */
  readonly url: string;
  readonly clock: Clock;
  /** Is told everything, in order; a frame is passed on once this resolves. */
  readonly see: (sight: Sight) => void | Promise<void>;
}

/**
 * Stands between clients and a runtime, passes on unchanged what each says, and shows it.
 *
 * @returns the server for the clients. Rejects with the system's error if the port is not available
 * @throws LocalError `MISUSE` for an address that cannot be dialled
 */
export async function openTap({ port, url, clock, see }: TapOptions): Promise<ListeningServer> {
  // Reports a wrong address before anybody connects.
  dial(url);
  const stop = new AbortController();
  let connections = 0;
  const server = await listen({ port }, async (client, peer) => {
    connections += 1;
    const connection = connections;
    const show = async (what: Happening) => see({ ...what, at: clock.now(), connection });
    await show({ kind: "opened", address: peer.address });
    const runtime = await reach(url, peer, stop.signal);
    if (runtime instanceof LocalError) {
      await show({ kind: "unreachable", why: unreachable(runtime, url) });
      client.close(reasonOf(runtime) ?? "going-away");
      return;
    }
    await relay(client, runtime, show);
  });
  const close = (): Promise<void> => {
    stop.abort();
    return server.close();
  };
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}

/** Dials the runtime. A token that came in a header is passed on in a header. */
async function reach(
  url: string,
  { bearer }: PeerInfo,
  signal: AbortSignal,
): Promise<Transport | LocalError> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer()}` };
  try {
    return await dial(url, { headers })(signal);
  } catch (error) {
    return error instanceof LocalError ? error : new TransportClosedError("going-away");
  }
}

async function relay(
  client: Transport,
  runtime: Transport,
  show: (what: Happening) => Promise<void>,
): Promise<void> {
  let over = false;
  const pump = async (by: Side, from: Transport, to: Transport): Promise<void> => {
    let reason: CloseReason | undefined = "normal";
    try {
      for await (const text of from.frames) {
        await show({ kind: "frame", from: by, text });
        await to.send([text]);
      }
    } catch (error) {
      if (!(error instanceof TransportClosedError)) throw error;
      reason = error.reason;
    }
    to.close(reason ?? "going-away");
    if (over) return;
    over = true;
    await show({ kind: "closed", by, reason });
  };
  await Promise.all([pump("client", client, runtime), pump("runtime", runtime, client)]);
}

function reasonOf(error: LocalError): CloseReason | undefined {
  return error instanceof TransportClosedError ? error.reason : undefined;
}
