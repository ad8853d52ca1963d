import type { Surroundings } from "./surroundings.ts";

const signals = ["SIGINT", "SIGTERM"] as const;

export type Interrupt = (typeof signals)[number];

/**
 * How soon a signal that comes again is the same press still, in ms: a process can be sent one as itself and as a member of its
 * group, as `timeout -s INT` does it.
 */
export const ONE_PRESS = 50;

/** Ctrl-C, and the other signal that asks a process to end. */
export class Interrupts implements Disposable {
  readonly #signals: Surroundings["signals"];
  readonly #stop = new AbortController();
  readonly #clock: Surroundings["clock"];
  /** When each signal came, by the monotonic clock; as the same press still it does not count. */
  readonly #pressed = new Map<Interrupt, number>();
  readonly #handle = (interrupt: Interrupt): void => this.#press(interrupt);
  readonly #insisted = Promise.withResolvers<never>();
  #taken: ((interrupt: Interrupt) => void) | undefined;

  constructor({ signals: source, clock }: Pick<Surroundings, "signals" | "clock">) {
    this.#signals = source;
    this.#clock = clock;
    for (const signal of signals) source.on(signal, this.#handle);
    this.#insisted.promise.catch(() => {});
  }

  /** Aborts at the first interrupt that no command took for itself. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Rejects at a second one that no command took: whatever still goes on is not waited for. */
  get insisted(): Promise<never> {
    return this.#insisted.promise;
  }

  /** From now on interrupts call `handle`, each time, and abort nothing; until what is returned is disposed of. */
  take(handle: (interrupt: Interrupt) => void): Disposable {
    this.#taken = handle;
    return {
      [Symbol.dispose]: () => {
        this.#taken = undefined;
      },
    };
  }

  /** As though the process had been sent it. */
  raise(interrupt: Interrupt): void {
    if (this.#taken !== undefined) return this.#taken(interrupt);
    if (this.signal.aborted) this.#insisted.reject(this.signal.reason);
    this.#stop.abort();
  }

  #press(interrupt: Interrupt): void {
    const now = this.#clock.monotonic();
    const before = this.#pressed.get(interrupt);
    if (before !== undefined && now - before < ONE_PRESS) return;
    this.#pressed.set(interrupt, now);
    this.raise(interrupt);
  }

  [Symbol.dispose](): void {
    for (const signal of signals) this.#signals.off(signal, this.#handle);
  }
}
