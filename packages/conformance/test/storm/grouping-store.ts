import type { Store } from "@arcp/runtime/store";
import type { Random } from "../chaos/random.ts";
import type { Life } from "./mortal-store.ts";

/** How many of a hundred groups of writes fail. */
export interface Trouble {
  percent: number;
}

interface Write {
  readonly make: () => Promise<unknown>;
  readonly told: PromiseWithResolvers<unknown>;
}

const WRITES: Readonly<Record<string, readonly string[]>> = {
  logs: ["append", "remove"],
  jobs: ["insert", "update", "remove"],
  sessions: ["insert", "claim", "commit", "forget", "removeRuns"],
  idempotency: ["put", "removeJob"],
  credentials: [],
};

/**
 * A memory store that behaves like one with a disk: writes wait for each other, are made in groups, become durable later, and are
 * told of then; who reads is told of nothing that is not durable. A group that meets trouble is not made at all.
 */
export function groupingStore(inner: Store, random: Random, trouble: Trouble, life: Life): Store {
  let waiting: Write[] = [];
  let durable = Promise.resolve();

  async function flush(): Promise<void> {
    await turns(random.integer(1, 3));
    if (life.over) return;
    const group = waiting;
    waiting = [];
    if (random.chance(trouble.percent / 100)) {
      for (const { told } of group) told.reject(new Error("trouble"));
      return;
    }
    const made = group.map(({ make }) => make());
    const before = durable;
    durable = turns(random.integer(0, 3)).then(() => before);
    await durable;
    for (const [i, { told }] of group.entries()) told.resolve(made[i]);
  }

  const write = (make: Write["make"]): Promise<unknown> => {
    if (waiting.length === 0) void flush();
    const told = Promise.withResolvers<unknown>();
    waiting.push({ make, told });
    return told.promise;
  };
  const part = <T extends object>(name: string, whole: T): T =>
    new Proxy(whole, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        if (key === "listen") return member.bind(target);
        return async (...given: unknown[]) => {
          const make = (): Promise<unknown> => Reflect.apply(member, target, given);
          if (WRITES[name]?.includes(String(key))) return write(make);
          const [found] = await Promise.all([make(), durable]);
          return found;
        };
      },
    });
  return {
    ...inner,
    durable: true,
    logs: part("logs", inner.logs),
    jobs: part("jobs", inner.jobs),
    sessions: part("sessions", inner.sessions),
    idempotency: part("idempotency", inner.idempotency),
    credentials: part("credentials", inner.credentials),
  };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
