import { type Clock, formatTimestamp, type JobId, newMessageId } from "@arcp/core";

export interface LagOptions {
  /** How many envelopes may be unacknowledged before the session is told (R-6.5-7). */
  readonly threshold: number;
  readonly clock: Clock;
}

/**
 * How far a client's acknowledgements are behind its stream, for a session that agreed on `ack`. An ack says nothing
 * about what a resume replays (R-6.5-1).
 */
export class Lag {
  readonly #threshold: number;
  readonly #clock: Clock;
  #acked = 0;
  /** As of the last time that the store was told. */
  #stored = 0;
  /** The session was told of its lag, which has not fallen to half the threshold since (R-6.5-8). */
  #warned = false;

  constructor({ threshold, clock }: LagOptions) {
    this.#threshold = threshold;
    this.#clock = clock;
  }

  /** The highest number that the client has acknowledged; 0 before the first. */
  get acked(): number {
    return this.#acked;
  }

  /** Whether the session was told of a lag that it still has. */
  get isWarned(): boolean {
    return this.#warned;
  }

  /**
   * Takes an ack. One that is lower than before, or above what was issued, has no effect (R-6.5-4).
   * @returns whether it is time to write it down: a store need not hear of every ack
   */
  acknowledge(seq: number, issued: number): boolean {
    if (seq <= this.#acked || seq > issued) return false;
    this.#acked = seq;
    const rearmed = this.#rearm(issued);
    if (!rearmed && seq - this.#stored < this.#threshold / 4) return false;
    this.#stored = seq;
    return true;
  }

  /** Whether the envelope under `seq` calls for a notice. */
  isCrossedBy(seq: number): boolean {
    return !this.#warned && seq - this.#acked > this.#threshold;
  }

  /** A notice was issued, the highest number being `issued` now: no second one before the lag has halved (R-6.5-8). */
  warned(issued: number): void {
    this.#warned = true;
    // Acks may have come while the notice was on its way.
    this.#rearm(issued);
  }

  /**
   * Goes on from what the store knows. After a crash that may be less than was acknowledged, so what looks like a breach
   * is taken for one that was told of, rather than telling of it twice.
   * @param warned whether the session ever got a notice
   */
  restore(acked: number, issued: number, warned: boolean): void {
    this.#acked = acked;
    this.#stored = acked;
    this.#warned = warned || this.isCrossedBy(issued);
    this.#rearm(issued);
  }

  /** The text of a notice, as of a record without `job_seq` (R-7.6-11). Its id and time are the same in every replay. */
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

  /** @returns whether a breach is over with this */
  #rearm(issued: number): boolean {
    if (!this.#warned || issued - this.#acked > this.#threshold / 2) return false;
    this.#warned = false;
    return true;
  }
}
