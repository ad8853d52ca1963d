import type { MessageId } from "@arcp/core";

/** Submits of a session whose replies are remembered (R-5.4-8). */
const MAX_SUBMITS = 1000;

/**
 * The newest submits of a session by their message ids, so that a repeated one gets its reply again and no second job;
 * and the line in which all replies to submits wait for the ones before them (R-5.4-5).
 */
export class SubmitLog {
  readonly #replies = new Map<MessageId, Promise<() => void>>();
  #last: Promise<void> = Promise.resolve();

  get empty(): boolean {
    return this.#replies.size === 0;
  }

  /**
   * @param decide works out the reply, concurrently with other submits; must not reject
   * @returns once the reply has been given, in its place in the line
   */
  reply(id: MessageId, decide: () => Promise<() => void>): Promise<void> {
    const reply = this.#replies.get(id) ?? decide();
    this.#replies.set(id, reply);
    if (this.#replies.size > MAX_SUBMITS) {
      for (const oldest of this.#replies.keys()) {
        this.#replies.delete(oldest);
        break;
      }
    }
    const before = this.#last;
    this.#last = (async () => {
      await before;
      (await reply)();
    })();
    return this.#last;
  }
}
