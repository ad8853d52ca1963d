/** The requests of a session that are being worked out: so many at a time, over all its connections (R-14-2). */
export class Requests {
  readonly #limit: number;
  #underWay = 0;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#underWay >= this.#limit;
  }

  /** Counts a request until it is answered. */
  count(work: Promise<void>): void {
    this.#underWay += 1;
    const done = (): void => {
      this.#underWay -= 1;
      this.#room?.resolve();
      this.#room = undefined;
    };
    work.then(done, done);
  }

  /** Resolves when the next of them has been answered. */
  room(): Promise<void> {
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }
}
