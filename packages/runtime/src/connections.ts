import type { Transport } from "@arcp/core";
import { Connection, type ConnectionContext } from "./connection.ts";
import { isConfidential, type Peer, sourceOf } from "./peer.ts";

/** The open connections of a runtime. */
export class Connections {
  readonly #context: ConnectionContext;
  readonly #open = new Map<Connection, Promise<void>>();
  #closed = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  /** Serves the peer on this transport until it ends, unless no more are taken. */
  serve(transport: Transport, peer: Peer | undefined): void {
    const connection = new Connection(transport, this.#context, {
      source: sourceOf(peer),
      confidential: isConfidential(peer),
      bearer: peer?.bearer,
      dialect: peer?.dialect,
    });
    if (this.#closed) return connection.shutDown();
    const done = connection.run().finally(() => this.#open.delete(connection));
    this.#open.set(connection, done);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open.keys();
  }

  /** Takes no more, and ends those that are open with a word (R-6.7-6). Resolves when they are over. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#open.keys()) connection.shutDown();
    await Promise.all(this.#open.values());
  }
}
