import type { Surroundings } from "./surroundings.ts";

const signals = ["SIGINT", "SIGTERM"] as const;

export type Interrupt = (typeof signals)[number];

/**
 * Within how many ms a repeated signal belongs to the same key press: a process may receive it both as itself and as a member of
 * its group, as from `timeout -s INT`.
 */
export const ONE_PRESS = 50;

/** Ctrl-C, and the other signal that asks a process to end. */
export class Interrupts implements Disposable {
  readonly #signals: Surroundings["signals"];
  readonly #stop = new AbortController();
  readonly #clock: Surroundings["clock"];
  /** When each signal last counted, by the monotonic clock. A repetition that belongs to the same key press does not count. */
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

  /** Aborts at the first interrupt that no command handled itself. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Rejects at a second interrupt that no command handled: whatever still runs is not waited for. */
  get insisted(): Promise<never> {
    return this.#insisted.promise;
  }

  /** From now on every interrupt calls `handle` and aborts nothing, until the returned object is disposed of. */
  take(handle: (interrupt: Interrupt) => void): Disposable {
    this.#taken = handle;
    return {
      [Symbol.dispose]: () => {
        this.#taken = undefined;
      },
    };
  }

  /** Acts as if the process had received the signal. */
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
