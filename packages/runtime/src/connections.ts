import { checkValues, isObject, type OptionRules, rule, type Transport } from "@arcp/core";
import { Connection, type ConnectionContext } from "./connection.ts";
import { isConfidential, type Peer, sourceOf } from "./peer.ts";

const RULES: OptionRules<Transport> = {
  frames: rule.required(
    rule.some("an async iterable", (value) => isObject(value) && Symbol.asyncIterator in value),
  ),
  send: rule.required(rule.method),
  sendParts: rule.method,
  close: rule.required(rule.method),
};

/** The open connections of a runtime. */
export class Connections {
  readonly #context: ConnectionContext;
  readonly #open = new Map<Connection, Promise<void>>();
  #closed = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  /**
   * Serves the peer on this transport until it ends, unless no more are taken.
   * @throws LocalError `MISUSE` for what is no transport, such as a WebSocket as it is
   */
  serve(transport: Transport, peer: Peer | undefined): void {
    checkValues("the transport", transport, RULES);
    const connection = new Connection(transport, this.#context, {
      source: sourceOf(peer),
      confidential: isConfidential(peer),
      bearer: peer?.bearer,
      dialect: peer?.dialect,
    });
    if (this.#closed) return void connection.shutDown();
    const done = connection.run().finally(() => this.#open.delete(connection));
    this.#open.set(connection, done);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open.keys();
  }

  /** Takes no more, and ends those that are open with a word (R-6.7-6). Resolves when they are over. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#open.keys()) void connection.shutDown();
    await Promise.all(this.#open.values());
  }
}
