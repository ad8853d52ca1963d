import type { SessionId } from "@arcp/core";
import type { CommitOutcome, SessionChange, SessionStore } from "../../src/store/index.ts";
import { memoryStore } from "../../src/store/memory-store.ts";

/** A change of a session in flight to the store. */
export interface HandCall {
  readonly epoch: number;
  readonly change?: SessionChange;
  /** The token hashes of a claim. */
  readonly claim?: readonly string[];
  readonly make: () => Promise<CommitOutcome>;
  readonly reply: PromiseWithResolvers<CommitOutcome>;
}

/** Sessions whose changes are made, answered and lost by hand, in the order of the calls. */
export class HandSessions {
  readonly inner: SessionStore = memoryStore().sessions;
  readonly #queues = new Map<SessionId, HandCall[]>();
  #life = 0;
  /** `free`: at once. `promised`: answered at once, made by hand. */
  mode: "free" | "promised" | "held" = "free";

  queue(id: SessionId): HandCall[] {
    const queue = this.#queues.get(id) ?? [];
    this.#queues.set(id, queue);
    return queue;
  }

  /** The process dies: its calls in flight are lost, and later ones are never answered. */
  crash(): void {
    this.#life += 1;
    this.#queues.clear();
  }

  /** The store as the present process sees it. */
  store(): SessionStore {
    const life = this.#life;
    const { inner } = this;
    const call = (id: SessionId, what: Omit<HandCall, "reply">): Promise<CommitOutcome> => {
      const reply = Promise.withResolvers<CommitOutcome>();
      if (life !== this.#life) return reply.promise;
      if (this.mode === "free") return what.make();
      this.queue(id).push({ ...what, reply });
      if (this.mode === "promised") reply.resolve("committed");
      return reply.promise;
    };
    return {
      insert: (row) => inner.insert(row),
      findByToken: (hash) => inner.findByToken(hash),
      get: (id) => inner.get(id),
      list: () => inner.list(),
      attachments: (id) => inner.attachments(id),
      runs: (id) => inner.runs(id),
      refusal: (id, request) => inner.refusal(id, request),
      forget: (id) => inner.forget(id),
      removeRuns: (id) => inner.removeRuns(id),
      claim: (id, epoch, claim) =>
        call(id, { epoch, claim, make: () => inner.claim(id, epoch, claim) }),
      commit: (id, epoch, change) =>
        call(id, { epoch, change, make: () => inner.commit(id, epoch, change) }),
    };
  }
}
