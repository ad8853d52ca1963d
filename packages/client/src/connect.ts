import {
  type Clock,
  type Dial,
  type Feature,
  LocalError,
  REQUEST_ID_FEATURE,
  systemClock,
} from "@arcp/core";
import { Client } from "./client.ts";
import { Exchange } from "./exchange.ts";
import type { ClientDescription, TokenSource } from "./opening.ts";

export interface ConnectOptions {
  readonly token: TokenSource;
  /** What the client says of itself. Default: `@arcp/client` and its version. */
  readonly client?: ClientDescription;
  /** Features to offer. Default: all that this client understands. */
  readonly features?: readonly string[];
  /** How long a request may wait for its answer, in ms, connected or not. Default: 30,000. */
  readonly requestTimeout?: number;
  /** How long dialling and greeting may take together, in ms, on every attempt. Default: 5,000. */
  readonly handshakeTimeout?: number;
  /** The largest streamed result that `text()` and `bytes()` assemble, in bytes. Default: 256 MiB. */
  readonly maxResultBytes?: number;
  /** Aborting ends the client at once, without a goodbye; while it connects, `connect` rejects. */
  readonly signal?: AbortSignal;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const understood: readonly Feature[] = [
  "heartbeat",
  "ack",
  "list_jobs",
  "subscribe",
  "agent_versions",
  "progress",
  "result_chunk",
  "lease_expires_at",
  "cost.budget",
  "model.use",
  "provisioned_credentials",
];

/** Of this package; a test compares it with the manifest, which a browser cannot read. */
const VERSION = "0.0.0";

const defaults = {
  client: { name: "@arcp/client", version: VERSION },
  features: [...understood, REQUEST_ID_FEATURE],
  requestTimeout: 30_000,
  handshakeTimeout: 5_000,
  maxResultBytes: 256 * 1024 * 1024,
  clock: systemClock,
} as const;

/**
 * Opens a session with a runtime. From then on a lost connection is the client's own affair: it dials again, resumes,
 * and handles go on where they were.
 *
 * @throws ArcpError what the runtime refused with, such as `UNAUTHENTICATED`
 * @throws LocalError `TRANSPORT_CLOSED` when there is no connection, `REQUEST_TIMEOUT` when there is no welcome in time,
 *   `PROTOCOL_VIOLATION` when the peer is no runtime
 * @throws the signal's reason when it aborts first
 */
export async function connect(dial: Dial, options: ConnectOptions): Promise<Client> {
  const { token, signal } = options;
  const { client, features, requestTimeout, handshakeTimeout, maxResultBytes, clock } = {
    ...defaults,
    ...options,
  };
  signal?.throwIfAborted();
  const introduction = { token, client, features };
  const exchange = new Exchange({ dial, introduction, handshakeTimeout, clock }, requestTimeout);
  const { link } = exchange;
  const abort = (): void => link.end(aborted(signal?.reason));
  signal?.addEventListener("abort", abort, { once: true });
  void link.over.then(() => signal?.removeEventListener("abort", abort));
  const session = await link.open();
  return new Client(exchange, session.info, maxResultBytes);
}

function aborted(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  return new LocalError("CLOSED", "the client was aborted", { cause: reason });
}
