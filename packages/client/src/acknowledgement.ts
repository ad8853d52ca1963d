import type { Clock, Timer } from "@arcp/core";

/** Milliseconds between two acks of a slow stream (R-6.5-6). */
const INTERVAL = 250;
/** Envelopes after which an ack waits no longer than for what arrived together with them. */
const STRIDE = 32;

/**
 * Tells the runtime how far this client is, for one connection whose session agreed on `ack`: seldom, and only of
 * envelopes that were handed on before.
 */
export class Acknowledgement {
  readonly #clock: Clock;
  readonly #say: (seq: number) => boolean;
  #handled: number;
  #said: number;
  #timer: Timer | undefined;
  #isUrgent = false;

  /**
   * @param position the session's number when the connection began
   * @param say returns whether it was said; if not, {@link goOn} tells when it may be
   */
  constructor(clock: Clock, position: number, say: (seq: number) => boolean) {
    this.#clock = clock;
    this.#say = say;
    this.#handled = position;
    this.#said = position;
  }

  /**
   * Says at once what the last connection may have failed to say. As a first message it also confirms the resume token, so
   * that no belated attempt of this client's own can take the session from it (R-6.3-7).
   */
  repeat(): void {
    this.#flush();
  }

  /** The envelope under this number was handed on. */
  handled(seq: number): void {
    this.#handled = seq;
    this.#arm(seq - this.#said >= STRIDE);
  }

  /** What could not be said may be now. */
  goOn(): void {
    if (this.#handled > this.#said) this.#flush();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** @param isUrgent once the event loop goes on: a flood comes by hundreds at a time, and an ack for every 32 costs a tenth of it */
  #arm(isUrgent: boolean): void {
    if (this.#timer !== undefined && isUrgent === this.#isUrgent) return;
    this.#timer?.cancel();
    this.#isUrgent = isUrgent;
    this.#timer = this.#clock.after(isUrgent ? 0 : INTERVAL, () => this.#flush());
  }

  #flush(): void {
    this.stop();
    if (this.#say(this.#handled)) this.#said = this.#handled;
  }
}
