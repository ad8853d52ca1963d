import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import {
  type AgentContext,
  createRuntime,
  defineAgent,
  type RuntimeOptions,
  tokenTable,
} from "@arcp/runtime";
import { pino } from "pino";
import { expect } from "vitest";
import { sqliteStore } from "../src/sqlite-store.ts";
import type { Scratch } from "./scratch.ts";
import type { Viewer } from "./viewer.ts";

/** A line of the operator's log. */
export interface Said {
  readonly level: number;
  readonly job?: string;
  readonly session?: string;
  readonly err?: { readonly message: string; readonly type: string };
}

export type Host = ReturnType<typeof host>;

/** A process on a store file, whose jobs the test controls. */
export function host(
  file: string,
  credentials: { revoked: string[] } = { revoked: [] },
  options: Pick<RuntimeOptions, "clock" | "limits"> = {},
) {
  const store = sqliteStore(file);
  const said: Said[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => said.push(JSON.parse(line)) });
  const begun: AgentContext[] = [];
  let next = Promise.withResolvers<AgentContext>();
  const led = (name: string, attempts: number) =>
    defineAgent({
      name,
      attempts,
      run(ctx, input) {
        begun.push(ctx);
        next.resolve(ctx);
        next = Promise.withResolvers();
        return typeof input === "string" ? input : new Promise(() => {});
      },
    });
  const runtime = createRuntime({
    agents: [led("once", 1), led("again", 9)],
    ...options,
    auth: tokenTable({ secret: "alice", other: "bob" }),
    store,
    logger,
    provisioners: {
      gateway: {
        issue: async () => ({
          value: `key-${"x".repeat(20)}-${begun.length}${Math.random()}`,
          endpoint: "https://x.example/",
        }),
        revoke: async (alias) => {
          credentials.revoked.push(alias);
          return true;
        },
      },
    },
  });
  const start = async (viewer: Viewer, agent: string, rest: object = {}) => {
    const run = next.promise;
    const { job_id: id = "" } = await viewer.submit(agent, rest);
    return { id, ctx: await run };
  };
  /** The jobs whose agents were started, once there are this many. */
  const running = async (count = 1): Promise<readonly string[]> => {
    while (begun.length < count) await next.promise;
    return begun.map(({ job }) => job.id);
  };
  return {
    store,
    runtime,
    begun,
    running,
    start,
    errors: () => said.filter(({ level }) => level >= 50),
  };
}

/** A copy of the store as a crash would leave it at this moment, with some damage. */
export async function crashed(
  { store }: Pick<Host, "store">,
  scratch: Scratch,
  damage: (database: DatabaseSync) => void,
): Promise<string> {
  const file = scratch.newFile();
  await store.backup(file);
  const database = new DatabaseSync(file);
  damage(database);
  database.close();
  return file;
}

/** Runs a statement that must change something. */
export function change(database: DatabaseSync, sql: string, ...values: SQLInputValue[]): void {
  expect(database.prepare(sql).run(...values).changes).toBeGreaterThan(0);
}
