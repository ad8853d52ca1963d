import { type Clock, formatTimestamp, Liveness, newMessageId } from "@arcp/core";
import type { Announcement } from "../announcement.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly interval: number;
  readonly say: (ping: Announcement) => void;
  /** Told once that the client fell silent. */
  readonly lost: () => void;
}

/** The heartbeat of one connection whose session agreed on it. It says when the client is lost, and touches nothing (R-6.4-5). */
export class Heartbeat {
  readonly #liveness: Liveness;
  #ear: (() => void) | undefined;

  constructor({ clock, interval, say, lost }: HeartbeatOptions) {
    this.#liveness = new Liveness({
      clock,
      interval,
      lost,
      ping: () => {
        // Whoever is asked has to be listened to.
        this.#ear?.();
        say({
          type: "session.ping",
          payload: { nonce: newMessageId("hb_"), sent_at: formatTimestamp(clock.now()) },
        });
      },
    });
  }

  /** A frame came in. */
  heard(): void {
    this.#liveness.heard();
  }

  /** Frames were handed to the transport. */
  spoke(): void {
    this.#liveness.spoke();
  }

  /**
   * How long a connection under pressure may leave its client unread: until there is room, or until the silence, which
   * is its own doing, calls for a ping and one more frame to be read.
   */
  async deaf(pressure: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#ear = resolve;
      void pressure.then(() => resolve());
    });
  }

  stop(): void {
    this.#liveness.stop();
  }
}
