import {
  type Clock,
  type Dial,
  features as everyFeature,
  LocalError,
  REQUEST_ID_FEATURE,
  systemClock,
} from "@arcp/core";
import { Client } from "./client.ts";
import { Exchange } from "./exchange.ts";
import { checkNames, misuse } from "./misuse.ts";
import type { ClientDescription, TokenSource } from "./opening.ts";
import { checkedSaved, type Persist, type SavedSession } from "./saved-session.ts";
import { Session } from "./session.ts";
import { SessionKeeper } from "./session-keeper.ts";

/** How a client connects, and what it keeps. An option that is undefined has its default. */
export interface ConnectOptions {
  /** The bearer token. Not needed if the connection carries one in an `Authorization` header. */
  readonly token?: TokenSource | undefined;
  /** The name and version that the client gives itself. Default: `@arcp/client` and its version. */
  readonly client?: ClientDescription | undefined;
  /**
   * Features to offer, in addition to the marker by which our own runtime is recognised (R-D-6). Default: all features of
   * the protocol.
   */
  readonly features?: readonly string[] | undefined;
  /**
   * How long a request may wait for its response, connected or not, and how long `persist` may take, in ms. Default:
   * 30,000.
   */
  readonly requestTimeout?: number | undefined;
  /** How long dial and handshake may take together, in ms, per attempt. Default: 5,000. */
  readonly handshakeTimeout?: number | undefined;
  /** The largest streamed result that `text()` and `bytes()` assemble, in bytes. Default: 256 MiB. */
  readonly maxResultBytes?: number | undefined;
  /**
   * The past events that each handle keeps in memory, in characters of their frames. For a reader that is further
   * behind, they are fetched again from the runtime. Default: 8 MiB.
   */
  readonly eventBuffer?: number | undefined;
  /**
   * Saves the session so that another process can continue it if this one dies. Called before a new resume token is
   * used, and before a position is acknowledged; never concurrently. Its argument is secret. If it fails, or takes longer
   * than `requestTimeout`, the client drops the connection it was called for; the first time, `connect` rejects.
   */
  readonly persist?: Persist | undefined;
  /**
   * A session to continue, as passed to `persist` or returned by `save`. If the runtime no longer has it, a new one is
   * opened. Its jobs are available through `client.job(id)`. Default: a new session.
   */
  readonly restore?: SavedSession | undefined;
  /** Aborting it ends the client immediately, without a goodbye; while it is connecting, `connect` rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** The version of this package. A test compares it with the manifest, which a browser cannot read. */
const VERSION = "0.0.0";

/**
 * Opens a session with a runtime, or continues one. From then on the client handles lost connections itself: it
 * reconnects and resumes, and handles continue where they were.
 *
 * @throws ArcpError the runtime's refusal, such as `UNAUTHENTICATED`
 * @throws LocalError `TRANSPORT_CLOSED` if no connection can be made, `REQUEST_TIMEOUT` if no welcome arrives in time,
 *   `PROTOCOL_VIOLATION` if the peer is not a runtime, `MISUSE` if `dial` is not a function, `token` neither a string nor a
 *   function that returns one, `restore` not a saved session, a time or a size not above zero, and for an unknown option
 * @throws the signal's reason if it aborts first
 */
export async function connect(dial: Dial, options: ConnectOptions = {}): Promise<Client> {
  const {
    token,
    client = { name: "@arcp/client", version: VERSION },
    features = everyFeature,
    requestTimeout = 30_000,
    handshakeTimeout = 5_000,
    maxResultBytes = 256 * 1024 * 1024,
    eventBuffer = 8 * 1024 * 1024,
    persist,
    restore,
    signal,
    clock = systemClock,
    ...foreign
  } = options;
  checkNames("connect", foreign);
  for (const [name, value] of Object.entries({
    requestTimeout,
    handshakeTimeout,
    maxResultBytes,
    eventBuffer,
  })) {
    if (!(typeof value === "number" && value > 0)) {
      throw misuse(`${name} must be a number above zero`);
    }
  }
  signal?.throwIfAborted();
  if (typeof dial !== "function") {
    throw misuse("connect takes a dial, such as dial(url) of @arcp/transport-ws, and options");
  }
  const restored = restore === undefined ? undefined : Session.restored(checkedSaved(restore));
  const jobs = restore?.jobs ?? [];
  const keeper = persist && new SessionKeeper(() => write(), clock, requestTimeout);
  const offered = [...new Set([...features, REQUEST_ID_FEATURE])];
  const introduction = { token, client, features: offered };
  const exchange = new Exchange({
    dial,
    introduction,
    requestTimeout,
    handshakeTimeout,
    eventBuffer,
    clock,
    restored,
    keeper,
    jobs,
  });
  const { link, feeds } = exchange;
  const write = (): Promise<void> | void => {
    const { session, refusal } = link;
    // Once this client is closed, another process may own the session.
    if (session === undefined || refusal !== undefined) return;
    return persist?.(session.saved(feeds.jobs));
  };
  const abort = (): void => link.end(aborted(signal?.reason));
  signal?.addEventListener("abort", abort, { once: true });
  void link.over.then(() => signal?.removeEventListener("abort", abort));
  await link.open();
  return new Client(exchange, keeper, maxResultBytes);
}

function aborted(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  return new LocalError("CLOSED", "the client was aborted", { cause: reason });
}
