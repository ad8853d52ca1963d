import {
  type Clock,
  type Decoded,
  encode,
  type MessageId,
  newMessageId,
  type Timer,
} from "@arcp/core";
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/** How long a runtime may take to answer `session.close`, in ms (R-6.7-7). */
const CLOSE_TIMEOUT = 1_000;

/** Characters that a reason may have. */
const MAX_REASON = 1024;

export interface FarewellOptions {
  readonly connection: Connection;
  readonly session: Session;
  readonly clock: Clock;
  /** Called when the runtime does not answer as it should, in time: nothing is left to wait for. */
  readonly over: () => void;
}

/** The goodbye of a session on its connection: `session.close`, whose good answer ends the connection from the other side. */
export class Farewell {
  readonly connection: Connection;
  readonly #session: Session;
  readonly #over: () => void;
  readonly #request: MessageId = newMessageId("req_");
  readonly #deadline: Timer;

  constructor({ connection, session, clock, over }: FarewellOptions) {
    this.connection = connection;
    this.#session = session;
    this.#over = over;
    this.#deadline = clock.after(CLOSE_TIMEOUT, () => this.#giveUp());
  }

  /** @param given for humans, as `Client.close` was given it */
  say(given: unknown): void {
    const session_id = this.#session.info.id;
    const id = this.#request;
    // A goodbye that is refused would end nothing, and nobody would hear of it.
    const reason =
      typeof given === "string" ? given.slice(0, MAX_REASON).toWellFormed() : undefined;
    this.connection.send(encode({ id, type: "session.close", session_id, payload: { reason } }));
  }

  /** Takes an error that is meant for it, or may be. @returns whether it was one */
  takeRefusal(received: Decoded): boolean {
    if (this.#session.dialect.farewell === "close") return false;
    if (received.kind !== "ok" || received.message.type !== "session.error") return false;
    if ((received.message.payload.request_id ?? this.#request) !== this.#request) return false;
    this.#giveUp();
    return true;
  }

  stop(): void {
    this.#deadline.cancel();
  }

  /** To whoever does not understand `session.close` the SDKs say `session.bye`. */
  #giveUp(): void {
    const { dialect, info } = this.#session;
    if (dialect.farewell === "close, then bye") {
      const id = newMessageId("req_");
      this.connection.send(encode({ id, type: "session.bye", session_id: info.id, payload: {} }));
    }
    this.#over();
  }
}
