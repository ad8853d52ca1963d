import { ArcpError } from "@arcp/core";
import type { Secrets } from "../authority/secrets.ts";
import type { JobObservation } from "../observation.ts";
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
  /** Asks the agent to stop. */
  readonly signal: (reason: () => ArcpError) => void;
  readonly end: (ending: Ending) => void;
}

interface Request {
  readonly reason: string | undefined;
  readonly durable: Promise<void>;
  /** Settles when it is acknowledged, or given up. */
  readonly decided: PromiseWithResolvers<void>;
  acknowledged: boolean;
}

/**
 * The wish to cancel a job. From the moment at which it is asked for no other ending can win, but until it is durable
 * and acknowledged none takes place either: the acknowledgement stands in front of the end (R-7.4-1, R-7.4-2).
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

  /** Whether somebody was told that it ends as cancelled. */
  get acknowledged(): boolean {
    return this.#request?.acknowledged ?? false;
  }

  /** Settles when it is known whether the job ends as cancelled; undefined where it is, or nobody asked. */
  get undecided(): Promise<void> | undefined {
    return this.acknowledged ? undefined : this.#request?.decided.promise;
  }

  /** The one ending that can win; undefined when nobody asked. */
  get ending(): Ending | undefined {
    return this.#request === undefined ? undefined : cancelled(this.#request.reason);
  }

  /**
   * Asks a live job to stop: durable first, then acknowledged, and then, for the first wish alone (R-7.4-5), the agent is
   * signalled. When it cannot be made durable there was none.
   * @param grace milliseconds that the agent has to stop
   * @returns false when the job ended before it could be acknowledged
   */
  async ask(reason: string | undefined, acknowledge: () => void, grace: number): Promise<boolean> {
    const { state } = this.#options;
    const first = await this.#stored(reason);
    // An end that did not wait for this word, with its parent's, stands in front of it.
    if (!state.live) return false;
    acknowledge();
    if (first !== undefined) this.#begin(first, grace);
    return true;
  }

  /** Keeps an ending back while the acknowledgement is still to come; behind the first one all others have lost. */
  holdsBack(ending: Ending): boolean {
    if (this.#heldBack !== undefined) return true;
    if (this.#request === undefined || this.#request.acknowledged) return false;
    this.#heldBack = ending;
    return true;
  }

  /** @returns the wish once it is durable, if it is the first */
  async #stored(reason: string | undefined): Promise<Request | undefined> {
    if (this.#request !== undefined) {
      await this.#request.durable;
      return undefined;
    }
    const { log, secrets } = this.#options;
    const durable = log.set({ cancel: { reason: reason && secrets.clean(reason) } });
    const decided = Promise.withResolvers<void>();
    const request = { reason, durable, decided, acknowledged: false };
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
    const { reason } = request;
    request.acknowledged = true;
    request.decided.resolve();
    observed?.cancelling(reason && secrets.clean(reason));
    if (!state.live) return;
    signal(() => new ArcpError("CANCELLED", reason || "cancelled on request"));
    deadlines.after(grace, () => end(cancelled(reason)));
    this.#release();
    if (state.isPending || grace === 0) end(cancelled(reason));
  }

  /** Lets the ending through that was held back for the acknowledgement. */
  #release(): void {
    const ending = this.#heldBack;
    this.#heldBack = undefined;
    if (ending !== undefined) this.#options.end(ending);
  }
}
