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

/** How long a runtime may take to reply to `session.close`, in ms (R-6.7-7). */
const CLOSE_TIMEOUT = 1_000;

/** The maximum length of a reason, in characters. */
const MAX_REASON = 1024;

export interface FarewellOptions {
  readonly connection: Connection;
  readonly session: Session;
  readonly clock: Clock;
  /** Called if the runtime does not reply properly in time, so that there is nothing left to wait for. */
  readonly over: () => void;
}

/** The goodbye of a session on its connection: `session.close`. After a proper reply, the runtime ends the connection. */
export class Farewell {
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #over: () => void;
  readonly #request: MessageId = newMessageId("req_");
  readonly #deadline: Timer;

  constructor({ connection, session, clock, over }: FarewellOptions) {
    this.#connection = connection;
    this.#session = session;
    this.#over = over;
    this.#deadline = clock.after(CLOSE_TIMEOUT, () => this.#giveUp());
  }

  /** @param given the reason for humans, as passed to `Client.close` */
  say(given: unknown): void {
    const session_id = this.#session.info.id;
    const id = this.#request;
    // With an invalid reason, the goodbye would be refused: it would end nothing, and nobody would notice.
    const reason =
      typeof given === "string" ? given.slice(0, MAX_REASON).toWellFormed() : undefined;
    this.#connection.send(encode({ id, type: "session.close", session_id, payload: { reason } }));
  }

  /** Handles an error that is, or may be, about the goodbye. @returns whether it was one */
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

  /** Sends `session.bye`, as the SDKs do, to a runtime that does not understand `session.close`. */
  #giveUp(): void {
    const { dialect, info } = this.#session;
    if (dialect.farewell === "close, then bye") {
      const id = newMessageId("req_");
      this.#connection.send(encode({ id, type: "session.bye", session_id: info.id, payload: {} }));
    }
    this.#over();
  }
}
