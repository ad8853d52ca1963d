import type { Clock, Timer } from "@arcp/core";

/** Milliseconds between two acks on a slow stream (R-6.5-6). */
const INTERVAL = 250;
/** After this many envelopes, an ack waits only until those that arrived in the same turn are handled. */
const STRIDE = 32;

/**
 * Acknowledges stream envelopes on one connection of a session that negotiated `ack`, or that is persisted. Acks are rare, and
 * cover only envelopes that were already handed on.
 */
export class Acknowledgement {
  readonly #clock: Clock;
  readonly #say: (seq: number) => boolean;
  #handled: number;
  #said: number;
  #timer: Timer | undefined;
  #isUrgent = false;

  /**
   * @param position the session's `event_seq` when the connection began
   * @param isResumed whether the last connection may have failed to send its last ack. Then {@link goOn} repeats it: as a first
   *   message it also confirms the resume token, so that a belated attempt of this client itself cannot take the session over
   *   (R-6.3-7).
   * @param say returns whether the ack was sent; if not, a call of {@link goOn} says when to try again
   */
  constructor(clock: Clock, position: number, isResumed: boolean, say: (seq: number) => boolean) {
    this.#clock = clock;
    this.#say = say;
    this.#handled = position;
    this.#said = isResumed ? position - 1 : position;
  }

  /** Notes that the envelope with this number was handed on. */
  handled(seq: number): void {
    this.#handled = seq;
    this.#arm(seq - this.#said >= STRIDE);
  }

  /** There is room: sends the ack that is due, if any. */
  goOn(): void {
    if (this.#handled > this.#said) this.#flush();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * @param isUrgent send it once the event loop continues, not earlier: a flood arrives by the hundred, and an ack for every 32
   * would cost a tenth of its throughput
   */
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
