import type { SessionId } from "@arcp/core";
import type { CommitOutcome, SessionChange, SessionStore } from "../store/index.ts";
import { Sequence } from "./sequence.ts";

export interface SessionWriterOptions {
  readonly session: SessionId;
  readonly store: SessionStore;
  readonly epoch: number;
  /** Called with a failure to store a change that nobody waits for. */
  readonly failed: (session: SessionId, error: unknown) => void;
}

/**
 * Stores the changes of one session in the order of the calls, under the owner's epoch.
 *
 * - **P5** Every resume raises the epoch; commits under an older one are refused.
 */
export class SessionWriter {
  readonly #options: SessionWriterOptions;
  #epoch: number;
  readonly #claims = new Sequence();
  /** Commits held back by a claim in progress: their epoch is not known yet. */
  #heldCommits: Array<() => void> | undefined;
  /** The tokens of a claim that failed, until it is known whether it took place nevertheless. */
  #inDoubt: readonly string[] | undefined;
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
   * Raises the epoch, so that every commit of the previous owner fails from now on. Concurrent claims take turns: the last one
   * wins, and none is refused because of another.
   * @param tokens called when it is this claim's turn: returns the tokens that are valid from then on, or undefined to give up
   */
  claim(tokens: () => readonly string[] | undefined): Promise<CommitOutcome> {
    return this.#claims.run(async () => {
      const valid = tokens();
      if (valid === undefined) return "fenced";
      const held: Array<() => void> = [];
      this.#heldCommits = held;
      try {
        return await this.#claim(valid);
      } finally {
        // In their order, and before anything that the new epoch commits.
        this.#heldCommits = undefined;
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
      this.#inDoubt = tokens;
      // If this fails too, the next claim resolves the doubt.
      await this.#resolveDoubt().catch(() => {});
      throw error;
    }
  }

  /** Makes sure of the epoch: a claim that failed may have raised it. */
  settleClaims(): Promise<void> {
    return this.#claims.run(() => this.#resolveDoubt());
  }

  /** A failed claim took place after all if its tokens are stored: no other claim has them. */
  async #resolveDoubt(): Promise<void> {
    if (this.#inDoubt === undefined) return;
    const row = await this.#options.store.get(this.#options.session);
    const tookPlace = row?.epoch === this.#epoch + 1 && row.tokens.join() === this.#inDoubt.join();
    this.#inDoubt = undefined;
    if (tookPlace) this.#epoch += 1;
  }

  /**
   * Without an epoch, commits under the current one and waits for a claim in progress.
   * @param epoch the epoch of the committer; a projector passes its own, so that it fails once overtaken
   */
  commit(change: SessionChange, epoch?: number): Promise<CommitOutcome> {
    const { session, store } = this.#options;
    const commit = (): Promise<CommitOutcome> =>
      store.commit(session, epoch ?? this.#epoch, change);
    const held = this.#heldCommits;
    if (epoch !== undefined || held === undefined) return commit();
    return new Promise((resolve, reject) => held.push(() => commit().then(resolve, reject)));
  }

  /** Like `commit`, for a change that must take place. @throws Error if another runtime has taken the session over */
  async settle(change: SessionChange): Promise<void> {
    if ((await this.commit(change)) === "fenced") {
      throw new Error("another runtime has taken the session over");
    }
  }

  /** Commits a change that nothing has to wait for. */
  note(change: SessionChange): void {
    if (this.#isRetired) return;
    void this.reported(this.settle(change));
  }

  /** Reports the failure of a change that nobody waits for. */
  reported(change: Promise<unknown>): Promise<unknown> {
    return change.catch((error: unknown) => this.failed(error));
  }

  /** Reports a failure to store. */
  failed(error: unknown): void {
    this.#options.failed(this.#options.session, error);
  }

  /** Whether the session is forgotten, or about to be. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Drops all further changes made by {@link note}. */
  retire(): void {
    this.#isRetired = true;
  }
}
