/** What all requests in progress may weigh together, in characters: nothing of a request is freed before its reply. */
const MAX_WEIGHT = 64 * 1024 * 1024;

/** The limit that the requests in progress have reached, as its `reason` in a refusal. */
export type RequestLimit = "requests_per_session" | "request_characters_per_principal";

/** What the requests in progress of each principal weigh, whichever session they came on, and even if that is gone (R-14-2). */
export class RequestWeights {
  readonly #limit: number;
  readonly #weights = new Map<string, number>();
  readonly #rooms = new Map<string, PromiseWithResolvers<void>>();

  /** @param limit in characters */
  constructor(limit: number) {
    this.#limit = limit;
  }

  isFull(principal: string): boolean {
    return (this.#weights.get(principal) ?? 0) >= this.#limit;
  }

  add(principal: string, weight: number): void {
    const sum = (this.#weights.get(principal) ?? 0) + weight;
    if (sum > 0) this.#weights.set(principal, sum);
    else this.#weights.delete(principal);
    if (sum >= this.#limit) return;
    this.#rooms.get(principal)?.resolve();
    this.#rooms.delete(principal);
  }

  /** Resolves once they are below the limit. */
  room(principal: string): Promise<void> {
    const room = this.#rooms.get(principal) ?? Promise.withResolvers<void>();
    this.#rooms.set(principal, room);
    return room.promise;
  }
}

/** The requests of a session in progress, limited in number across all its connections (R-14-2). */
export class Requests {
  readonly #limit: number;
  readonly #principal: string;
  readonly #weights: RequestWeights;
  #underWay = 0;
  #weight = 0;
  #room: PromiseWithResolvers<void> | undefined;

  /** @param limit how many may be in progress at a time */
  constructor(limit: number, principal: string, weights: RequestWeights) {
    this.#limit = limit;
    this.#principal = principal;
    this.#weights = weights;
  }

  /** Undefined if there is room for one more. */
  get reached(): RequestLimit | undefined {
    const isFull = this.#underWay >= this.#limit || this.#weight >= MAX_WEIGHT;
    if (isFull) return "requests_per_session";
    return this.#weights.isFull(this.#principal) ? "request_characters_per_principal" : undefined;
  }

  /** Counts a request until it is answered. @param weight in characters, from {@link jsonWeight} */
  count(work: Promise<void>, weight: number): void {
    this.#underWay += 1;
    this.#weight += weight;
    this.#weights.add(this.#principal, weight);
    const done = (): void => {
      this.#underWay -= 1;
      this.#weight -= weight;
      this.#weights.add(this.#principal, -weight);
      this.#room?.resolve();
      this.#room = undefined;
    };
    work.then(done, done);
  }

  /** Resolves when the next of them has been answered; if it is the principal's limit that is reached, once there is room. */
  room(): Promise<void> {
    // The session may have none in progress itself.
    if (this.reached === "request_characters_per_principal") {
      return this.#weights.room(this.#principal);
    }
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }
}
