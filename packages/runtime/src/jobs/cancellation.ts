import { ArcpError } from "@arcp/core";
import type { Secrets } from "../authority/secrets.ts";
import type { JobObservation } from "../observation.ts";
import type { Cancel } from "../store/index.ts";
import type { Deadlines } from "./deadlines.ts";
import { cancelled, type Ending } from "./ending.ts";
import type { JobLog } from "./job-log.ts";
import type { JobState } from "./job-state.ts";

export interface CancellationOptions {
  readonly state: JobState;
  readonly log: JobLog;
  readonly deadlines: Deadlines;
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
  /** Signals the agent to stop. */
  readonly signal: (reason: () => ArcpError) => void;
  readonly end: (ending: Ending) => void;
}

interface Request {
  readonly cancel: Cancel;
  readonly durable: Promise<void>;
  /** Settles when the cancel is acknowledged, or has failed. */
  readonly decided: PromiseWithResolvers<void>;
  acknowledged: boolean;
}

/**
 * A request to cancel a job. Once it is made, no other ending can win; but until it is durable and acknowledged no ending takes
 * place either, because the acknowledgement must precede the end (R-7.4-1, R-7.4-2).
 */
export class Cancellation {
  readonly #options: CancellationOptions;
  #request: Request | undefined;
  #heldBack: Ending | undefined;

  constructor(options: CancellationOptions) {
    this.#options = options;
  }

  get asked(): boolean {
    return this.#request !== undefined;
  }

  /** Whether anybody was told that the job ends as cancelled. */
  get acknowledged(): boolean {
    return this.#request?.acknowledged ?? false;
  }

  /** Settles when it is known whether the job ends as cancelled; undefined if that is known, or no cancel was requested. */
  get undecided(): Promise<void> | undefined {
    return this.acknowledged ? undefined : this.#request?.decided.promise;
  }

  /** The only ending that can win; undefined without a request. */
  get ending(): Ending | undefined {
    return this.#request === undefined ? undefined : cancelled(this.#request.cancel);
  }

  /**
   * Cancels a live job: makes the request durable, acknowledges it and then, for the first request only (R-7.4-5), signals the
   * agent. If the request cannot be made durable, it counts as never made.
   * @param grace milliseconds that the agent has to stop
   * @returns false if the job ended before the request could be acknowledged
   */
  async ask(cancel: Cancel, acknowledge: () => void, grace: number): Promise<boolean> {
    const { state } = this.#options;
    const first = await this.#stored(cancel);
    // The parent's end may have ended the job without waiting, so that this end comes before the acknowledgement.
    if (!state.live) return false;
    acknowledge();
    if (first !== undefined) this.#begin(first, grace);
    return true;
  }

  /** Holds back an ending until the acknowledgement. After the first one, all others have lost. */
  holdsBack(ending: Ending): boolean {
    if (this.#heldBack !== undefined) return true;
    if (this.#request === undefined || this.#request.acknowledged) return false;
    this.#heldBack = ending;
    return true;
  }

  /** @returns the request once it is durable, if it is the first */
  async #stored(cancel: Cancel): Promise<Request | undefined> {
    if (this.#request !== undefined) {
      await this.#request.durable;
      return undefined;
    }
    const { log, secrets } = this.#options;
    const { reason } = cancel;
    const durable = log.set({ cancel: { ...cancel, reason: reason && secrets.clean(reason) } });
    const decided = Promise.withResolvers<void>();
    const request = { cancel, durable, decided, acknowledged: false };
    this.#request = request;
    try {
      await durable;
      return request;
    } catch (error) {
      this.#request = undefined;
      decided.resolve();
      this.#release();
      throw error;
    }
  }

  #begin(request: Request, grace: number): void {
    const { state, deadlines, secrets, observed, signal, end } = this.#options;
    const { cancel } = request;
    const { reason } = cancel;
    request.acknowledged = true;
    request.decided.resolve();
    observed?.cancelling(reason && secrets.clean(reason));
    if (!state.live) return;
    signal(() => new ArcpError("CANCELLED", reason || "cancelled on request"));
    deadlines.after(grace, () => end(cancelled(cancel)));
    this.#release();
    if (state.isPending || grace === 0) end(cancelled(cancel));
  }

  /** Releases the ending that was held back for the acknowledgement. */
  #release(): void {
    const ending = this.#heldBack;
    this.#heldBack = undefined;
    if (ending !== undefined) this.#options.end(ending);
  }
}
