import { type Clock, formatTimestamp, type JobId, newMessageId } from "@arcp/core";

export interface LagOptions {
  /** How many envelopes may be unacknowledged before the client is notified (R-6.5-7). */
  readonly threshold: number;
  readonly clock: Clock;
}

/**
 * How far a client's acks lag behind its stream, for a session that negotiated `ack`. Acks do not affect what a resume replays
 * (R-6.5-1).
 */
export class Lag {
  readonly #threshold: number;
  readonly #clock: Clock;
  #acked = 0;
  /** The ack that was last stored. */
  #stored = 0;
  /** Whether the client was notified and its lag has not fallen to half the threshold since (R-6.5-8). */
  #warned = false;

  constructor({ threshold, clock }: LagOptions) {
    this.#threshold = threshold;
    this.#clock = clock;
  }

  /** The highest acknowledged number; 0 before the first ack. */
  get acked(): number {
    return this.#acked;
  }

  /** Whether the client was notified of a lag that it still has. */
  get isWarned(): boolean {
    return this.#warned;
  }

  /**
   * Accepts an ack. It has no effect if it is lower than before, or above what was issued (R-6.5-4).
   * @returns whether to store it now; most acks need not be stored
   */
  acknowledge(seq: number, issued: number): boolean {
    if (seq <= this.#acked || seq > issued) return false;
    this.#acked = seq;
    const rearmed = this.#rearm(issued);
    if (!rearmed && seq - this.#stored < this.#threshold / 4) return false;
    this.#stored = seq;
    return true;
  }

  /** Whether the envelope numbered `seq` calls for a notice. */
  isCrossedBy(seq: number): boolean {
    return !this.#warned && seq - this.#acked > this.#threshold;
  }

  /**
   * Records that a notice was issued, with `issued` as the highest number now. The next one waits until the lag has halved
   * (R-6.5-8).
   */
  warned(issued: number): void {
    this.#warned = true;
    // Acks may have arrived while the notice was on its way.
    this.#rearm(issued);
  }

  /**
   * Restores the stored state. After a crash that may be less than was acknowledged, so an apparent breach counts as already
   * notified rather than being notified twice.
   * @param warned whether the session ever got a notice
   */
  restore(acked: number, issued: number, warned: boolean): void {
    this.#acked = acked;
    this.#stored = acked;
    this.#warned = warned || this.isCrossedBy(issued);
    this.#rearm(issued);
  }

  /** Builds a notice, in the form of a record without `job_seq` (R-7.6-11). Its id and time stay the same in every replay. */
  notice(job: JobId, traceId: string | undefined): string {
    const body = {
      phase: "back_pressure",
      message: `more than ${this.#threshold} events wait for an acknowledgement`,
    };
    return JSON.stringify({
      id: newMessageId(),
      type: "job.event",
      job_id: job,
      trace_id: traceId,
      payload: { kind: "status", ts: formatTimestamp(this.#clock.now()), body },
    }).slice(1);
  }

  /** @returns whether this ends a breach */
  #rearm(issued: number): boolean {
    if (!this.#warned || issued - this.#acked > this.#threshold / 2) return false;
    this.#warned = false;
    return true;
  }
}
