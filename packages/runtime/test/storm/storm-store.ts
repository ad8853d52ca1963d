import type { JobId } from "@arcp/core";
import type {
  AppendOutcome,
  JobChange,
  JobRow,
  LogBatch,
  LogRecord,
  Store,
} from "../../src/store/index.ts";
import type { Random } from "../chance/random.ts";
import { settled } from "../held-store.ts";
import type { World } from "./world.ts";

export interface StormStoreOptions {
  readonly inner: Store;
  readonly world: World;
  readonly luck: Random;
  /** How many answers in a hundred come late. */
  readonly late: number;
  /** How many appends and changes in a hundred fail at present, before or after they take effect. */
  readonly failing: () => number;
}

type Call = (...given: unknown[]) => Promise<unknown>;

/** The store as one process sees it: late, failing, and silent once the next process has begun. */
export function stormStore(options: StormStoreOptions): Store {
  const { inner, world } = options;
  const own = world.generation;
  const part = <T extends object>(
    target: T,
    told: (name: string, given: unknown[], outcome: unknown) => void = () => {},
    fallible?: keyof T,
  ): T =>
    new Proxy(target, {
      get(object, name) {
        const member: unknown = Reflect.get(object, name);
        if (typeof member !== "function") return member;
        if (name === "listen") return member.bind(object);
        return async (...given: unknown[]) => {
          if (own !== world.generation) return await new Promise(() => {});
          const fails = name === fallible && options.luck.hits(options.failing());
          if (fails && options.luck.hits(50)) throw new Error(`${String(name)} failed`);
          // At once, since stores carry out calls in order.
          const outcome = await (member as Call).apply(object, given);
          told(String(name), given, outcome);
          if (options.luck.hits(options.late)) await settled(1 + options.luck.below(6));
          if (own !== world.generation) return await new Promise(() => {});
          if (fails) throw new Error(`${String(name)} failed when it was done`);
          return outcome;
        };
      },
    });
  return {
    ...inner,
    durable: true,
    logs: part(
      inner.logs,
      (name, [batches], outcomes) => {
        if (name !== "append") return;
        appended(world, batches as LogBatch[], outcomes as AppendOutcome[]);
      },
      "append",
    ),
    jobs: part(
      inner.jobs,
      (name, [first, change]) => {
        if (name === "insert") inserted(world, first as JobRow);
        if (name === "update") changed(world, first as JobId, change as JobChange);
        if (name === "remove") world.rows.delete(first as JobId);
      },
      "update",
    ),
    sessions: part(inner.sessions),
    idempotency: part(inner.idempotency),
    credentials: part(inner.credentials),
    // The next process goes on with it.
    close: async () => {},
  };
}

function appended(
  world: World,
  batches: readonly LogBatch[],
  outcomes: readonly AppendOutcome[],
): void {
  for (const [i, { job, after, records, change }] of batches.entries()) {
    if (outcomes[i] !== "appended") continue;
    const log: LogRecord[] = world.logs.get(job) ?? [];
    world.logs.set(job, log);
    if (log.length !== after) {
      world.breach("J1", `${job}: ${log.length} records are there and ${after} are said`);
    }
    for (const record of records) {
      if (log.at(-1)?.kind === "terminal") {
        world.breach("J3", `${job}: ${record.text} stands behind its end`);
      }
      world.insistOnNoSecret(record.text);
      log.push(record);
    }
    if (change !== undefined) changed(world, job, change);
  }
}

function inserted(world: World, row: JobRow): void {
  world.insistOnNoSecret(JSON.stringify(row));
  world.rows.set(row.id, row);
}

function changed(world: World, job: JobId, change: JobChange): void {
  world.insistOnNoSecret(JSON.stringify(change));
  const row = world.rows.get(job);
  if (row !== undefined) world.rows.set(job, { ...row, ...change });
}
