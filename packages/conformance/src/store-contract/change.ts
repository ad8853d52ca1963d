import type { SessionRow, Store } from "@arcp/runtime/store";
import {
  credentialRow,
  idempotencyRecord,
  jobRow,
  ownerRun,
  records,
  sessionRow,
  textsOf,
} from "./sample-row.ts";

/** A change, and a check that it took place. */
export interface Change {
  /** The call that makes it, for the failure's message. */
  readonly name: string;
  make(store: Store): Promise<unknown>;
  isMade(store: Store): Promise<boolean>;
}

/** One change through each interface of an otherwise empty store. */
export async function changesIn({ sessions }: Store): Promise<readonly Change[]> {
  const session = sessionRow();
  await sessions.insert(session);
  return changes(session);
}

function changes(session: SessionRow): readonly Change[] {
  const row = jobRow();
  const record = idempotencyRecord({ key: row.id, job: row.id });
  const credential = credentialRow({ job: row.id });
  const run = ownerRun(1, row.id, 1);
  return [
    {
      name: "idempotency.put",
      make: ({ idempotency }) => idempotency.put(record),
      isMade: async ({ idempotency }) => (await idempotency.get("alice", row.id)) !== undefined,
    },
    {
      name: "jobs.insert",
      make: ({ jobs }) => jobs.insert(row),
      isMade: async ({ jobs }) => (await jobs.get(row.id)) !== undefined,
    },
    {
      name: "sessions.commit",
      make: ({ sessions }) => sessions.commit(session.id, 1, { runs: [run] }),
      isMade: async ({ sessions }) => (await sessions.runs(session.id)).length === 1,
    },
    {
      name: "logs.append",
      make: ({ logs }) => logs.append([{ job: row.id, after: 0, records: records(1, 3) }]),
      isMade: async (store) => (await textsOf(store, row.id)).length === 3,
    },
    {
      name: "credentials.insert",
      make: ({ credentials }) => credentials.insert(credential),
      isMade: async ({ credentials }) =>
        (await credentials.list()).some(({ alias }) => alias === credential.alias),
    },
  ];
}

/** For a message: the order in which they were requested. */
export function namesOf(changes: readonly Change[]): string {
  return `asked for in this order: ${changes.map(({ name }) => name).join(", ")}`;
}

/** Every order of these items. */
export function orders<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((thing) =>
    orders(things.filter((other) => other !== thing)).map((rest) => [thing, ...rest]),
  );
}
