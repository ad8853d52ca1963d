import { type Clock, LocalError, type Timer } from "@arcp/core";

export interface PeerCheckOptions {
  readonly clock: Clock;
  /** How long the peer has to send anything, in ms. */
  readonly timeout: number;
  readonly ping: () => void;
  /** Called if the peer sent nothing. */
  readonly silent: (fault: LocalError) => void;
}

/**
 * Checks on demand whether a connection still works, for example after a network change, which can leave a socket dead without
 * notice. Unlike heartbeat loss, a failed check says nothing about the peer, only that a new connection is due.
 */
export class PeerCheck {
  readonly #options: PeerCheckOptions;
  #timer: Timer | undefined;

  constructor(options: PeerCheckOptions) {
    this.#options = options;
  }

  ask(): void {
    if (this.#timer !== undefined) return;
    const { clock, timeout, ping, silent } = this.#options;
    this.#timer = clock.after(timeout, () => {
      const message = `the connection carried nothing for ${timeout} ms after the network changed`;
      silent(new LocalError("TRANSPORT_CLOSED", message));
    });
    ping();
  }

  /** Ends a check: a frame was received, or the connection is over. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
