import type { Surroundings } from "./surroundings.ts";

const signals = ["SIGINT", "SIGTERM"] as const;

export type Interrupt = (typeof signals)[number];

/** Ctrl-C, and the other signal that asks a process to end. */
export class Interrupts implements Disposable {
  readonly #signals: Surroundings["signals"];
  readonly #stop = new AbortController();
  readonly #handle = (interrupt: Interrupt): void => this.raise(interrupt);
  readonly #insisted = Promise.withResolvers<never>();
  #taken: ((interrupt: Interrupt) => void) | undefined;

  constructor({ signals: source }: Pick<Surroundings, "signals">) {
    this.#signals = source;
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

  [Symbol.dispose](): void {
    for (const signal of signals) this.#signals.off(signal, this.#handle);
  }
}
