import {
  ArcpError,
  type Clock,
  encode,
  formatTimestamp,
  Liveness,
  newMessageId,
  type SessionId,
  type Transport,
} from "@arcp/core";

export interface HeartbeatOptions {
  readonly transport: Transport;
  readonly session: SessionId;
  /** Milliseconds. */
  readonly interval: number;
  readonly clock: Clock;
}

/**
 * The heartbeat of one connection whose session agreed on it. When the runtime falls silent it closes the transport,
 * whose frames then end, and keeps the reason (R-6.4-4).
 */
export class Heartbeat {
  readonly #liveness: Liveness;
  #loss: ArcpError | undefined;

  constructor({ transport, session, interval, clock }: HeartbeatOptions) {
    this.#liveness = new Liveness({
      clock,
      interval,
      // A failure shows as the end of the connection's frames.
      ping: () => transport.send([ping(session, clock)]).catch(() => {}),
      lost: () => {
        this.#loss = new ArcpError("HEARTBEAT_LOST", "the runtime fell silent");
        transport.close("going-away");
      },
    });
  }

  /** Why the connection was given up; undefined when it was not. */
  get loss(): ArcpError | undefined {
    return this.#loss;
  }

  /** A frame came in. */
  heard(): void {
    this.#liveness.heard();
  }

  /** Something was sent. */
  spoke(): void {
    this.#liveness.spoke();
  }

  stop(): void {
    this.#liveness.stop();
  }
}

/** Asks for a sign of life (section 6.4). */
export function ping(session_id: SessionId, clock: Clock): string {
  const payload = { nonce: newMessageId("hb_"), sent_at: formatTimestamp(clock.now()) };
  return encode({ id: newMessageId("req_"), type: "session.ping", session_id, payload });
}
