import type { Clock } from "@arcp/core";

export interface TurnLimits {
  /**
   * The most records that jobs may write, records that projectors may number, and steps that requests may take, each per turn of
   * the event loop.
   */
  readonly records: number;
  /** Milliseconds that they may all take together per turn. */
  readonly ms: number;
}

export const DEFAULT_TURN_LIMITS: TurnLimits = { records: 256, ms: 5 };

/**
 * What the budget is spent on. The shares are counted separately: with a common count, jobs and projectors would take alternate
 * turns and each write would be half as full.
 */
export type Share = "writing" | "projecting" | "answering";

/** The clock is read once per this many records. */
const CLOCK_STRIDE = 16;

/**
 * The event loop's turn as a budget that all jobs, projectors and requests of a runtime share (J4). Awaiting a resolved promise
 * never yields to the event loop. Awaiting the next turn does, so no job starves its neighbours.
 */
export class Turn {
  readonly #clock: Clock;
  readonly #limits: TurnLimits;
  readonly #atEnd: () => void;
  readonly #left: Record<Share, number>;
  #started: number | undefined;
  #stride = CLOCK_STRIDE;
  #next: PromiseWithResolvers<void> | undefined;
  #queue: Promise<void> = Promise.resolve();
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

  /** Takes `records` from the budget. @returns a promise of the next turn if this one is used up, otherwise undefined */
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

  /** Whether this turn's share is used up, so that work that can wait should wait for the next turn. */
  spent(share: Share): boolean {
    return this.#left[share] <= 0;
  }

  /** Resolves at the start of the next turn. One promise, shared by all who wait. */
  next(): Promise<void> {
    this.arm();
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  /** Resolves in a turn of the caller's own, one caller per turn: for work that takes more of a turn than the limits allow. */
  alone(): Promise<void> {
    const mine = this.#queue;
    this.#queue = mine.then(() => this.next());
    return mine;
  }

  /**
   * Resolves at the close of this turn, directly after its end and all that the end triggered. This is the moment to write
   * everything that the turn has to send in one piece. One promise, shared by all who wait.
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
    // Microtasks run between the two immediates: they read, number and hand over what was committed.
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
    // If a turn began between the end and the close, its own close is still to come.
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
