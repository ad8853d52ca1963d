import type { Clock } from "@arcp/core";

export interface TurnLimits {
  /** Records that jobs may write, records that projectors may number, and steps that requests may take, in one turn of the event loop. */
  readonly records: number;
  /** Milliseconds that all together may take of one turn. */
  readonly ms: number;
}

export const DEFAULT_TURN_LIMITS: TurnLimits = { records: 256, ms: 5 };

/** Who spends. Counted apart, or jobs and projectors would take alternate turns and each write would be half as full. */
export type Share = "writing" | "projecting" | "answering";

/** How often the clock is asked whether the turn's time is up: every so many records. */
const CLOCK_STRIDE = 16;

/**
 * The event loop's turn as a budget that all jobs, projectors and requests of a runtime share (J4). A resolved promise never
 * yields to the event loop; a spent turn does, so that no job starves its neighbours.
 */
export class Turn {
  readonly #clock: Clock;
  readonly #limits: TurnLimits;
  readonly #atEnd: () => void;
  readonly #left: Record<Share, number>;
  #started: number | undefined;
  #stride = CLOCK_STRIDE;
  #next: PromiseWithResolvers<void> | undefined;
  #line: Promise<void> = Promise.resolve();
  #onClosed: PromiseWithResolvers<void> | undefined;
  /** Whether a turn was armed whose close is still to come. */
  #closing = false;

  /** @param atEnd runs at the end of every turn in which something was spent, before the next one begins */
  constructor(clock: Clock, limits: TurnLimits, atEnd: () => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#left = { writing: limits.records, projecting: limits.records, answering: limits.records };
    this.#atEnd = atEnd;
  }

  /** Takes `records` from the turn. @returns the start of the next turn when this one is used up, else undefined */
  spend(share: Share, records: number): Promise<void> | undefined {
    this.arm();
    this.#left[share] -= records;
    this.#stride -= records;
    if (this.#stride <= 0) {
      this.#stride = CLOCK_STRIDE;
      if (this.#clock.monotonic() - (this.#started ?? 0) > this.#limits.ms) this.#refill(0);
    }
    return this.spent(share) ? this.next() : undefined;
  }

  /** Whether this turn is used up: then whoever has a choice waits for the next one. */
  spent(share: Share): boolean {
    return this.#left[share] <= 0;
  }

  /** The start of the next turn: one promise, shared by all who wait for it. */
  next(): Promise<void> {
    this.arm();
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  /** A turn for one alone of all who ask for that, in their order: for whoever will take more of it than the limits give. */
  alone(): Promise<void> {
    const mine = this.#line;
    this.#line = mine.then(() => this.next());
    return mine;
  }

  /**
   * Resolves at the close of this turn, right behind its end and all that the end led to: the moment at which what a turn has to say
   * is written, in one piece. One promise, shared by all who wait for it.
   */
  closed(): Promise<void> {
    if (!this.#closing) this.arm();
    this.#onClosed ??= Promise.withResolvers<void>();
    return this.#onClosed.promise;
  }

  /** Makes sure that this turn ends with a call of `atEnd`. */
  arm(): void {
    if (this.#started !== undefined) return;
    this.#started = this.#clock.monotonic();
    setImmediate(() => this.#end());
    // In between come the microtasks: what was committed is read, numbered and handed over.
    setImmediate(() => this.#close());
    this.#closing = true;
  }

  #end(): void {
    this.#refill(this.#limits.records);
    this.#stride = CLOCK_STRIDE;
    this.#started = undefined;
    const next = this.#next;
    this.#next = undefined;
    this.#atEnd();
    next?.resolve();
  }

  #close(): void {
    // Of a turn that began between the end and the close the close is still to come.
    this.#closing = this.#started !== undefined;
    const closed = this.#onClosed;
    this.#onClosed = undefined;
    closed?.resolve();
  }

  #refill(records: number): void {
    this.#left.writing = records;
    this.#left.projecting = records;
    this.#left.answering = records;
  }
}
