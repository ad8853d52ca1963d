/** Watches over what must not take for ever, and says what did. */
export class Vigil {
  readonly #patience: number;
  readonly #waiting = new Map<symbol, { what: string; since: number; state: () => string }>();

  /** @param patience ms that anything may take */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /**
   * @param what is waited for
   * @param state told when it takes too long
   */
  async over<T>(what: string, awaited: Promise<T>, state: () => string = () => ""): Promise<T> {
    const key = Symbol();
    this.#waiting.set(key, { what, since: performance.now(), state });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(this.#report(what))), this.#patience);
    });
    try {
      return await Promise.race([awaited, late]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }

  #report(what: string): string {
    const others = [...this.#waiting.values()].map(
      ({ what, since, state }) =>
        `  ${what}: ${Math.round(performance.now() - since)} ms ${state()}`,
    );
    return `${what} hangs. What is waited for:\n${others.join("\n")}`;
  }
}
