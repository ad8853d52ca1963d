/** The agents that all targets offer; a raw server only pretends to have them. */

/** Emits small events and returns. */
export const STEPPER = "stepper";

export interface StepperInput {
  /** How many to emit, awaiting each. */
  readonly events: number;
  /** What it waits for before the first. */
  readonly gate?: string;
}

/** Opens a gate and returns. */
export const OPENER = "opener";

export interface OpenerInput {
  readonly gate: string;
}

/** Part of each event, so that a small event has a small but not an empty body. */
export const ITEM = "page-of-a-document";

/** What jobs wait for, in the process of a server. */
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
