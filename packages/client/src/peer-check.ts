import { type Clock, LocalError, type Timer } from "@arcp/core";

export interface PeerCheckOptions {
  readonly clock: Clock;
  /** How long the peer has to say anything, in ms. */
  readonly timeout: number;
  readonly ping: () => void;
  /** It said nothing. */
  readonly silent: (fault: LocalError) => void;
}

/**
 * Asks out of turn whether a connection still carries anything, as after a change of the network, which tells no socket
 * that it is dead. Unlike a heartbeat's loss the verdict says nothing of the peer, only that another connection is due.
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

  /** A frame came in. */
  heard(): void {
    if (this.#timer !== undefined) this.stop();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
