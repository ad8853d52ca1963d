/** The agents that all targets offer; a raw server only pretends to have them. */

import type { Encoding } from "./pieces.ts";

/** Emits small events and returns. */
export const STEPPER = "stepper";

export interface StepperInput {
  /** How many to emit, awaiting each. */
  readonly events: number;
  /** The gate that it waits for before the first. */
  readonly gate?: string;
  /** A gate that it opens after the last: its submitter may have left. */
  readonly done?: string;
}

/** Opens a gate and returns. */
export const OPENER = "opener";

export interface OpenerInput {
  readonly gate: string;
}

/** Emits small events as fast as it can, and opens a gate at the end: its submitter may have stopped reading. */
export const FLOODER = "flooder";

export interface FlooderInput {
  readonly events: number;
  /** Whether it awaits each event; otherwise it emits until the runtime refuses one. */
  readonly awaits: boolean;
  readonly gate: string;
}

/** Emits an event now and then, with the time in it. */
export const STAMPER = "stamper";

export interface StamperInput {
  readonly events: number;
  /** Milliseconds between two of them. */
  readonly interval: number;
}

/** Streams a result of prepared pieces. */
export const CHUNKER = "chunker";

export interface ChunkerInput {
  /** Mebibytes. */
  readonly megabytes: number;
  readonly encoding: Encoding;
  /** The gate that it waits for before the first. */
  readonly gate: string;
}

/** The message of its events, which also hold `at`: microseconds of the clock that all processes of the machine share. */
export const STAMP = "stamp";

export function sharedClock(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Part of each event, so that its body is small but not empty. */
export const ITEM = "page-of-a-document";

/** The gates for which jobs wait, in the process of a server. */
export class Gates {
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  open(name: string): void {
    this.#gate(name).resolve();
  }

  passed(name: string): Promise<void> {
    return this.#gate(name).promise;
  }

  #gate(name: string): PromiseWithResolvers<void> {
    const gate = this.#gates.get(name) ?? Promise.withResolvers<void>();
    this.#gates.set(name, gate);
    return gate;
  }
}
