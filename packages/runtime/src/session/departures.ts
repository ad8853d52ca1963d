import type { Clock, SessionId } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import type { SessionStore } from "../store/index.ts";
import { retried } from "../store/retry.ts";
import type { Journal } from "./journal.ts";
import type { Stream } from "./stream.ts";

export interface DeparturesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<SessionStore, "forget" | "removeRuns">;
  /** Whether any job that the session submitted is still kept; if so, so is the session's numbering (R-6.3-18). */
  readonly hasJobs: (session: SessionId) => Promise<boolean>;
  /** Tries again later what the store has refused to do about a session for too long. */
  readonly postpone: (session: SessionId, work: () => Promise<void>) => void;
}

/** A part of what a departure takes; can be repeated. */
type Step = () => Promise<unknown>;

/** Sessions that are forgotten: what is to be done in the store, which no later request would make up for. */
export class Departures {
  readonly #options: DeparturesOptions;
  /** The journals of departing sessions, until the end of their numbers is stored. */
  readonly #journals = new Map<SessionId, Journal>();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** The journal of a departing session, as long as the store does not have all of it. */
  journal(id: SessionId): Journal | undefined {
    return this.#journals.get(id);
  }

  /**
   * Removes a session with its tokens and attachments.
   * @param abandon ends what it leaves behind; if this process dies before, the next one finds the session and abandons it again
   * @throws what the store rejects calls with; what is left to do is tried again later, since nobody will come back to it
   */
  async leave(stream: Stream, abandon: Step): Promise<void> {
    const { clock, postpone } = this.#options;
    const { session: id } = stream;
    const left = [this.#settling(stream), abandon, ...this.#erasure(id)];
    const proceed = async (take: (step: Step) => Promise<unknown>): Promise<void> => {
      for (const step of [...left]) {
        const outcome = await take(step);
        left.shift();
        if (outcome === "fenced") left.length = 0;
        if (left.length === 0) return;
      }
    };
    try {
      // Cancels of jobs are repeated by their logs.
      await proceed((step) => (step === abandon ? step() : retried(clock, step)));
    } catch (error) {
      if (!isClosed(error)) postpone(id, () => proceed((step) => step()));
      throw error;
    }
  }

  /** Removes a session that cannot be read. */
  async erase(id: SessionId): Promise<void> {
    for (const step of this.#erasure(id)) await retried(this.#options.clock, step);
  }

  /**
   * The row that tells how far the session's numbers went is deleted, while its runs stay; so the end is stored with the runs.
   * Removing the tokens in the same commit prevents a resume if this process dies in between.
   */
  #settling(stream: Stream): Step {
    const { session: id, writer, journal } = stream;
    const cut = stream.retire();
    if (cut.length === 0) return async () => {};
    this.#journals.set(id, journal);
    return async () => {
      await writer.settleClaims();
      const outcome = await writer.commit({ cut, tokens: [] });
      this.#journals.delete(id);
      if (outcome === "fenced") {
        this.#options.logger.warn({ session: id }, "another runtime has taken over a session");
      }
      return outcome;
    };
  }

  #erasure(id: SessionId): readonly Step[] {
    const { store, hasJobs } = this.#options;
    return [
      () => store.forget(id),
      async () => {
        if (!(await hasJobs(id))) await store.removeRuns(id);
      },
    ];
  }
}
