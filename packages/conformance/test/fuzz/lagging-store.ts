import type { Store } from "@arcp/runtime/store";

/** Turns of the event loop that every answer of the store takes. */
const TURNS = 3;

async function late<T>(answer: Promise<T>): Promise<T> {
  // A failure is not to be taken for one that nobody handles.
  answer.catch(() => {});
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
  return answer;
}

/** The same, of which every answer comes some turns later, in the same order: much can happen meanwhile. */
function lagging<T extends object>(part: T): T {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        return answer instanceof Promise ? late(answer) : answer;
      };
    },
  });
}

export function laggingStore(store: Store): Store {
  const { logs, jobs, sessions, idempotency, credentials, durable, failed } = store;
  return {
    logs: lagging(logs),
    jobs: lagging(jobs),
    sessions: lagging(sessions),
    idempotency: lagging(idempotency),
    credentials: lagging(credentials),
    durable,
    failed,
    close: () => store.close(),
  };
}
