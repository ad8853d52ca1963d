import type { Store } from "@arcp/runtime/store";

/** A call that is under way: it may still be rejected, whatever becomes of what it asked for. */
type Reject = (reason: Error) => void;

/** A store on the far side of a connection. When that breaks, what was asked for takes place, and nobody is told. */
export class StoreBehindWire {
  readonly store: Store;
  readonly #under: Set<Reject> = new Set();

  constructor(inner: Store) {
    const { logs, jobs, sessions, idempotency, credentials, durable, failed } = inner;
    this.store = {
      logs: this.#behind(logs),
      jobs: this.#behind(jobs),
      sessions: this.#behind(sessions),
      idempotency: this.#behind(idempotency),
      credentials: this.#behind(credentials),
      durable,
      failed,
      close: () => inner.close(),
    };
  }

  disconnect(): void {
    for (const reject of this.#under) reject(new Error("the connection broke"));
    this.#under.clear();
  }

  #behind<T extends object>(calls: T): T {
    return new Proxy(calls, {
      get: (_, key) => {
        const call: unknown = Reflect.get(calls, key);
        if (typeof call !== "function") return call;
        return (...args: unknown[]) => {
          const answer: unknown = call.apply(calls, args);
          return answer instanceof Promise ? this.#answered(answer) : answer;
        };
      },
    });
  }

  #answered(answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#under.add(reject);
      answer.then(resolve, reject).finally(() => this.#under.delete(reject));
    });
  }
}
