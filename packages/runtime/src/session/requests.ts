/** Characters that all requests under way may have; of one that is waited for nothing is let go of before its answer. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** The requests of a session that are being worked out: so many at a time, over all its connections (R-14-2). */
export class Requests {
  readonly #limit: number;
  #underWay = 0;
  #characters = 0;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#underWay >= this.#limit || this.#characters >= MAX_CHARACTERS;
  }

  /** Counts a request of so many characters until it is answered. */
  count(work: Promise<void>, characters: number): void {
    this.#underWay += 1;
    this.#characters += characters;
    const done = (): void => {
      this.#underWay -= 1;
      this.#characters -= characters;
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
