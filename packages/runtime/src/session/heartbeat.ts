import { type Clock, formatTimestamp, Liveness, newMessageId } from "@arcp/core";
import type { Announcement } from "../announcement.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly interval: number;
  readonly say: (ping: Announcement) => void;
  /** Called once, when the client has fallen silent. */
  readonly lost: () => void;
}

/** The heartbeat of one connection that negotiated it. It only reports a lost client (R-6.4-5). */
export class Heartbeat {
  readonly #liveness: Liveness;
  #resumeReading: (() => void) | undefined;

  constructor({ clock, interval, say, lost }: HeartbeatOptions) {
    this.#liveness = new Liveness({
      clock,
      interval,
      lost,
      ping: () => {
        // A ping is pointless unless the reply is read.
        this.#resumeReading?.();
        say({
          type: "session.ping",
          payload: { nonce: newMessageId("hb_"), sent_at: formatTimestamp(clock.now()) },
        });
      },
    });
  }

  /** Notes that a frame has arrived. */
  heard(): void {
    this.#liveness.heard();
  }

  /** Notes that frames were handed to the transport. */
  spoke(): void {
    this.#liveness.spoke();
  }

  /**
   * Waits while a connection under pressure does not read from its client: until there is room, or until a ping is due. The silence
   * is the connection's own doing, so one more frame must be read.
   */
  async deaf(pressure: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resumeReading = resolve;
      void pressure.then(() => resolve());
    });
  }

  stop(): void {
    this.#liveness.stop();
  }
}
