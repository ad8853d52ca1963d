import type { Store } from "@arcp/runtime/store";

/** Whether the process is gone that has a store open. */
export interface Life {
  over: boolean;
}

const never = new Promise<never>(() => {});

/** A store as one process has it: once that is over, nothing is asked any more, and nobody hears an answer. */
export function mortalStore(store: Store, life: Life): Store {
  const part = <T extends object>(whole: T): T =>
    new Proxy(whole, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name === "listen") return member.bind(target);
        return async (...given: unknown[]) => {
          if (life.over) return never;
          try {
            return await Reflect.apply(member, target, given);
          } finally {
            if (life.over) await never;
          }
        };
      },
    });
  const { logs, jobs, sessions, idempotency, credentials, durable } = store;
  return {
    logs: part(logs),
    jobs: part(jobs),
    sessions: part(sessions),
    idempotency: part(idempotency),
    credentials: part(credentials),
    durable,
    failed: never,
    // Whoever opened the file closes it.
    close: async () => {},
  };
}
