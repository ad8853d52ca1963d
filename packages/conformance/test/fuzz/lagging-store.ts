import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "@arcp/runtime/store";

/** How long an answer of a store takes. */
export type Lag = () => Promise<unknown>;

/** So many turns of the event loop, for all answers, which keep their order. */
export const byTurns =
  (turns: number): Lag =>
  async () => {
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
  };

/** Up to so many real milliseconds, as over a network: answers overtake each other. */
export const byNetwork =
  (ms: number): Lag =>
  () =>
    pause(Math.random() * ms);

/** The same, of which every answer comes late: much can happen meanwhile. */
function lagging<T extends object>(part: T, lag: Lag): T {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        if (!(answer instanceof Promise)) return answer;
        // A failure is not to be taken for one that nobody handles.
        answer.catch(() => {});
        return lag().then(() => answer);
      };
    },
  });
}

export function laggingStore(store: Store, lag: Lag): Store {
  const { logs, jobs, sessions, idempotency, credentials, durable, failed } = store;
  return {
    logs: lagging(logs, lag),
    jobs: lagging(jobs, lag),
    sessions: lagging(sessions, lag),
    idempotency: lagging(idempotency, lag),
    credentials: lagging(credentials, lag),
    durable,
    failed,
    close: () => store.close(),
  };
}
