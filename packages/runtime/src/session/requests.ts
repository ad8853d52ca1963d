/** What all requests in progress may weigh together, in characters: nothing of a request is freed before its reply. */
const MAX_WEIGHT = 64 * 1024 * 1024;

/** The requests of a session in progress, limited in number across all its connections (R-14-2). */
export class Requests {
  readonly #limit: number;
  #underWay = 0;
  #weight = 0;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#underWay >= this.#limit || this.#weight >= MAX_WEIGHT;
  }

  /** Counts a request until it is answered. @param weight in characters, from {@link jsonWeight} */
  count(work: Promise<void>, weight: number): void {
    this.#underWay += 1;
    this.#weight += weight;
    const done = (): void => {
      this.#underWay -= 1;
      this.#weight -= weight;
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
