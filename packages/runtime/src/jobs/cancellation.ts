import type { Ending } from "./ending.ts";

interface Request {
  readonly reason: string | undefined;
  readonly durable: Promise<void>;
  acknowledged: boolean;
}

/**
 * The wish to cancel a job. From the moment at which it is asked for no other ending can win, but until it is durable
 * and acknowledged none takes place either: the acknowledgement stands in front of the end (R-7.4-1, R-7.4-2).
 */
export class Cancellation {
  #request: Request | undefined;
  #heldBack: Ending | undefined;

  get asked(): boolean {
    return this.#request !== undefined;
  }

  get reason(): string | undefined {
    return this.#request?.reason;
  }

  /** Whether an ending waits for the acknowledgement: then a later one has lost. */
  get holdsBack(): boolean {
    return this.#heldBack !== undefined;
  }

  /**
   * Writes the wish down. When that fails there was none.
   * @param store called for the first wish alone
   * @returns whether it was the first (R-7.4-5)
   */
  async ask(reason: string | undefined, store: () => Promise<void>): Promise<boolean> {
    if (this.#request !== undefined) {
      await this.#request.durable;
      return false;
    }
    this.#request = { reason, durable: store(), acknowledged: false };
    try {
      await this.#request.durable;
      return true;
    } catch (error) {
      this.#request = undefined;
      throw error;
    }
  }

  acknowledged(): void {
    if (this.#request !== undefined) this.#request.acknowledged = true;
  }

  /** Keeps an ending back if the acknowledgement is still to come. @returns whether it does */
  holdBack(ending: Ending): boolean {
    if (this.#request === undefined || this.#request.acknowledged) return false;
    this.#heldBack = ending;
    return true;
  }

  /** The ending that was held back, which is free now. */
  release(): Ending | undefined {
    const ending = this.#heldBack;
    this.#heldBack = undefined;
    return ending;
  }
}
