import { setImmediate as turn } from "node:timers/promises";
import type { CredentialRow, LogBatch, LogRecord, LogStore, Store } from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { Scratch } from "../../test/scratch.ts";
import { StoreInFile } from "../../test/store-in-file.ts";
import type { OpenStore } from "./store-case.ts";
import { storeContract } from "./store-contract.ts";

// What somebody who writes a store may well get wrong, each around a store that does it right: the contract has to notice.

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const inFile = new StoreInFile(scratch);

type Wrong = (store: Store) => Store;

/** What is given, and all the rest as the base has it. */
function instead<T extends object>(base: T, given: Partial<T>): T {
  return new Proxy(base, {
    get(_, key) {
      const value: unknown = Reflect.get(Reflect.has(given, key) ? given : base, key);
      return typeof value === "function" ? value.bind(base) : value;
    },
  });
}

const withLogs =
  (given: (logs: LogStore) => Partial<LogStore>): Wrong =>
  (store) => ({ ...store, logs: instead(store.logs, given(store.logs)) });

const readsInTwoSteps = withLogs((logs) => ({
  async read(job, after, limits) {
    const { floor, head } = await logs.read(job, after, { records: 0, characters: 0 });
    await turn();
    const { records } = await logs.read(job, after, limits);
    return { floor, head, records };
  },
}));

const countsBytes = withLogs((logs) => ({
  async read(job, after, limits) {
    const page = await logs.read(job, after, limits);
    let room = limits.characters;
    const end = page.records.findIndex(({ text }, i) => {
      room -= Buffer.byteLength(text);
      return room < 0 && i > 0;
    });
    return end === -1 ? page : { ...page, records: page.records.slice(0, end) };
  },
}));

const keepsWhatIsLent = withLogs((logs) => {
  const kept = new Map<string, LogRecord>();
  return {
    async append(batches) {
      const texts = ({ records }: LogBatch) => records.map(({ kind, text }) => ({ kind, text }));
      const copies = batches.map((batch) => ({ ...batch, records: texts(batch) }));
      const outcomes = await logs.append(copies);
      for (const [i, { job, after, records }] of batches.entries()) {
        if (outcomes[i] === "fenced") continue;
        for (const [k, record] of records.entries()) kept.set(`${job} ${after + 1 + k}`, record);
      }
      return outcomes;
    },
    async read(job, after, limits) {
      const page = await logs.read(job, after, limits);
      const first = Math.max(after, page.floor) + 1;
      const records = page.records.map(({ kind, text }, i) => ({
        kind,
        text: kept.get(`${job} ${first + i}`)?.text ?? text,
      }));
      return { ...page, records };
    },
  };
});

const removesAtOnce = withLogs((logs) => ({
  async append(batches) {
    for (let turns = 0; turns < 8; turns++) await turn();
    return logs.append(batches);
  },
}));

const ringsWhoeverComes = withLogs((logs) => {
  const bells = new Map<string, Set<() => void>>();
  return {
    async append(batches) {
      const outcomes = await logs.append(batches);
      for (const { job } of batches) for (const ring of bells.get(job) ?? []) ring();
      return outcomes;
    },
    listen(job, ring) {
      const rings = bells.get(job) ?? new Set();
      bells.set(job, rings);
      const bell = () => ring();
      rings.add(bell);
      return () => rings.delete(bell);
    },
  };
});

const writesBehind: Wrong = (store) => {
  const waiting: CredentialRow[] = [];
  const flush = () => Promise.all(waiting.splice(0).map((row) => store.credentials.insert(row)));
  const credentials = instead(store.credentials, {
    async insert(row) {
      waiting.push(row);
      // In its place among all that was asked for.
      await store.logs.append([]);
    },
    async list() {
      const rows = [...(await store.credentials.list()), ...waiting];
      return rows.sort((a, b) => (a.alias < b.alias ? -1 : 1));
    },
    async remove(alias) {
      await flush();
      await store.credentials.remove(alias);
    },
  });
  return { ...store, credentials, close: () => flush().then(() => store.close()) };
};

const readsAhead: Wrong = (store) => {
  const waiting = new Set<CredentialRow>();
  const credentials = instead(store.credentials, {
    async insert(row) {
      waiting.add(row);
      for (let turns = 0; turns < 8; turns++) await turn();
      await store.credentials.insert(row);
      waiting.delete(row);
    },
    list: async () => [...(await store.credentials.list()), ...waiting],
  });
  return { ...store, credentials };
};

const takesARowOnce: Wrong = (store) => {
  const taken = new Set<string>();
  const credentials = instead(store.credentials, {
    insert: async (row) => {
      if (taken.has(row.alias)) throw new Error("duplicate key value");
      taken.add(row.alias);
      await store.credentials.insert(row);
    },
  });
  return { ...store, credentials };
};

const roundsTimes: Wrong = (store) => {
  const insert: Store["jobs"]["insert"] = (row) =>
    store.jobs.insert({ ...row, acceptedAt: Math.trunc(row.acceptedAt) });
  return { ...store, jobs: instead(store.jobs, { insert }) };
};

const answersWhenClosed: Wrong = (store) => {
  let closed = false;
  const jobs = instead(store.jobs, {
    list: async (query) => (closed ? [] : store.jobs.list(query)),
  });
  return {
    ...store,
    jobs,
    async close() {
      closed = true;
      await store.close();
    },
  };
};

const wrongs: Readonly<Record<string, { readonly wrong: Wrong; readonly noticedBy: string }>> = {
  "reads floor and records one after the other": {
    wrong: readsInTwoSteps,
    noticedBy: "P3: a page that is read while a log loses records holds what its floor says",
  },
  "counts bytes": {
    wrong: countsBytes,
    noticedBy: "characters of a page are counted as JavaScript does",
  },
  "keeps a text that was lent": {
    wrong: keepsWhatIsLent,
    noticedBy: "a text that is lent is taken before the append resolves",
  },
  "removes a log in front of an append": {
    wrong: removesAtOnce,
    noticedBy: "a removal takes place in the order of the calls, like all else",
  },
  "rings whoever comes while it rings": {
    wrong: ringsWhoeverComes,
    noticedBy: "bells that hang themselves up again ring once",
  },
  "acknowledges what it has still to write": {
    wrong: writesBehind,
    noticedBy: "what was acknowledged is there after a crash",
  },
  "lets others read what it has still to write": {
    wrong: readsAhead,
    noticedBy: "J2: what was read is there after a crash",
  },
  "refuses a row that it has": {
    wrong: takesARowOnce,
    noticedBy: "what is asked for once more, as after a call of which nobody knows, is there once",
  },
  "rounds times": {
    wrong: roundsTimes,
    noticedBy: "a listing and its pages go by parts of a millisecond too",
  },
  "answers when it is closed": {
    wrong: answersWhenClosed,
    noticedBy: "a durable store that is closed refuses every call, and closes once",
  },
};

/** Stores of the one kind in those of the other. */
function around(wrong: Wrong): OpenStore {
  const inner = new WeakMap<Store, Store>();
  const wrapped = (store: Store): Store => {
    const outer = wrong(store);
    inner.set(outer, store);
    return outer;
  };
  const within = (store: Store): Store => inner.get(store) ?? store;
  return {
    open: async () => wrapped(await inFile.open()),
    openLimited: async (kept) => wrapped(await inFile.openLimited(kept)),
    crash: async (store) => wrapped(await inFile.crash(within(store))),
  };
}

test.each(Object.entries(wrongs))("a store that %s is noticed", async (_, { wrong, noticedBy }) => {
  const storeCase = storeContract.find(({ name }) => name === noticedBy);
  await storeCase?.run(inFile);
  await expect(storeCase?.run(around(wrong))).rejects.toThrow();
});
