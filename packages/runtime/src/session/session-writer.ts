import type { SessionId } from "@arcp/core";
import type { CommitOutcome, SessionChange, SessionStore } from "../store/index.ts";
import { Sequence } from "./sequence.ts";

export interface SessionWriterOptions {
  readonly session: SessionId;
  readonly store: SessionStore;
  readonly epoch: number;
  /** Told of a change that could not be stored and that nobody waits for. */
  readonly failed: (session: SessionId, error: unknown) => void;
}

/**
 * What is written down of one session, in the order of the calls, under the epoch of whoever owns it.
 *
 * - **P5** Every resume raises the epoch: what is committed under an older one is refused.
 */
export class SessionWriter {
  readonly #options: SessionWriterOptions;
  #epoch: number;
  readonly #claims = new Sequence();
  /** Commits that wait for a claim on its way: nobody knows yet under which epoch they will be valid. */
  #held: Array<() => void> | undefined;
  /** The tokens of a claim that was rejected, as long as nobody knows whether it took place all the same. */
  #doubted: readonly string[] | undefined;
  #isRetired = false;

  constructor(options: SessionWriterOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
  }

  /** Raised by every resume. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Raises the epoch: every commit of whoever owned the session before fails from now on. Claims that race here take turns,
   * so that the last one wins and none is refused for another's sake.
   * @param tokens asked when it is this claim's turn: the tokens that are valid from then on, or undefined to give up
   */
  claim(tokens: () => readonly string[] | undefined): Promise<CommitOutcome> {
    return this.#claims.run(async () => {
      const valid = tokens();
      if (valid === undefined) return "fenced";
      const held: Array<() => void> = [];
      this.#held = held;
      try {
        return await this.#claim(valid);
      } finally {
        // In their order, and in front of whatever the new epoch commits.
        this.#held = undefined;
        for (const commit of held) commit();
      }
    });
  }

  async #claim(tokens: readonly string[]): Promise<CommitOutcome> {
    const { session, store } = this.#options;
    await this.#resolveDoubt();
    const epoch = this.#epoch;
    try {
      const outcome = await store.claim(session, epoch, tokens);
      if (outcome === "committed") this.#epoch = epoch + 1;
      return outcome;
    } catch (error) {
      this.#doubted = tokens;
      // At the latest the next claim finds out.
      await this.#resolveDoubt().catch(() => {});
      throw error;
    }
  }

  /** A claim that was rejected took place if its tokens are valid: nobody else has them. */
  async #resolveDoubt(): Promise<void> {
    if (this.#doubted === undefined) return;
    const row = await this.#options.store.get(this.#options.session);
    const tookPlace = row?.epoch === this.#epoch + 1 && row.tokens.join() === this.#doubted.join();
    this.#doubted = undefined;
    if (tookPlace) this.#epoch += 1;
  }

  /**
   * Without an epoch a change holds whoever owns the session here, and waits for a claim that is on its way.
   * @param epoch of whoever commits: a projector's own, so that an overtaken one fails
   */
  commit(change: SessionChange, epoch?: number): Promise<CommitOutcome> {
    const { session, store } = this.#options;
    const commit = (): Promise<CommitOutcome> =>
      store.commit(session, epoch ?? this.#epoch, change);
    const held = this.#held;
    if (epoch !== undefined || held === undefined) return commit();
    return new Promise((resolve, reject) => held.push(() => commit().then(resolve, reject)));
  }

  /** As `commit`, for what has to take place. @throws Error when another runtime has taken the session over */
  async settle(change: SessionChange): Promise<void> {
    if ((await this.commit(change)) === "fenced") {
      throw new Error("another runtime has taken the session over");
    }
  }

  /** Commits what nothing has to wait for. */
  note(change: SessionChange): void {
    if (this.#isRetired) return;
    void this.reported(this.settle(change));
  }

  /** Nobody waits for this change: a failure is told. */
  reported(change: Promise<unknown>): Promise<unknown> {
    return change.catch((error: unknown) => this.failed(error));
  }

  /** What could not be stored is told to whoever runs this. */
  failed(error: unknown): void {
    this.#options.failed(this.#options.session, error);
  }

  /** Whether the session was forgotten, or is about to be. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Nothing is noted any more. */
  retire(): void {
    this.#isRetired = true;
  }
}
