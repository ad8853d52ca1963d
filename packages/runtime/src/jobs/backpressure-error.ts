import { LocalError } from "@arcp/core";

/**
 * An agent asks for more than can wait, without awaiting earlier calls. Thrown at once, and the call has no effect: nothing was
 * written, run or charged.
 */
export class BackpressureError extends LocalError {
  override readonly name = "BackpressureError";
  /** How many events, or other calls of this kind, wait. */
  readonly waiting: number;
  /** Resolves once some of them no longer wait, so that the call can be made again. Never rejects. */
  readonly relieved: Promise<void>;

  /** @param what waits, for humans */
  constructor(what: string, waiting: number, relieved: Promise<void>) {
    super("BACKPRESSURE", `${waiting} ${what}: await what the calls return`);
    this.waiting = waiting;
    this.relieved = relieved;
  }
}
