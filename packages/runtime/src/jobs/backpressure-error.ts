import { LocalError } from "@arcp/core";

/**
 * An agent asks for more than can wait, without awaiting what it was given. Thrown at once, and nothing of the call took
 * place: nothing is written, nothing ran, nothing was charged.
 */
export class BackpressureError extends LocalError {
  override readonly name = "BackpressureError";
  /** How many events, or other calls of the kind, wait. */
  readonly waiting: number;
  /** Resolves once some of them do so no longer, and the call may be made again. Never rejects. */
  readonly relieved: Promise<void>;

  /** @param what waits, for humans */
  constructor(what: string, waiting: number, relieved: Promise<void>) {
    super("BACKPRESSURE", `${waiting} ${what}: await what the calls return`);
    this.waiting = waiting;
    this.relieved = relieved;
  }
}
