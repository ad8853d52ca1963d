import { setImmediate as turn } from "node:timers/promises";
import { LocalError } from "@arcp/core";
import { memoryStore } from "@arcp/runtime";
import {
  Bells,
  type CredentialRow,
  DamagedLog,
  type LogBatch,
  type LogRecord,
  type LogStore,
  type Store,
} from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { Scratch } from "../../test/scratch.ts";
import { StoreBehindWire } from "../../test/store-behind-wire.ts";
import { StoreInFile } from "../../test/store-in-file.ts";
import type { OpenStore, StoreAbility } from "./store-case.ts";
import { storeContract } from "./store-contract.ts";

// What the author of a store may well get wrong, each around a correct store: the contract has to notice.

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const inFile = new StoreInFile(scratch);

type Wrong = (store: Store) => Store;

/** Replaces what is given, and leaves the rest to the base. */
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

const ringsTooEarly = withLogs((logs) => {
  const bells = new Bells();
  return {
    async append(batches) {
      bells.ring(batches);
      for (let turns = 0; turns < 8; turns++) await turn();
      return logs.append(batches);
    },
    listen: (job, ring) => bells.hang(job, ring),
  };
});

const ringsForOneOfAnAppend = withLogs((logs) => {
  const bells = new Bells();
  return {
    async append(batches) {
      const outcomes = await logs.append(batches);
      bells.ring(batches.slice(0, 1));
      return outcomes;
    },
    listen: (job, ring) => bells.hang(job, ring),
  };
});

const passesOver = withLogs((logs) => ({
  async read(job, after, limits) {
    try {
      return await logs.read(job, after, limits);
    } catch (error) {
      if (!(error instanceof DamagedLog)) throw error;
      const before = await logs.read(job, after, { ...limits, records: error.through - after - 1 });
      const behind = await logs.read(job, error.through, limits);
      return { ...behind, records: [...before.records, ...behind.records] };
    }
  },
}));

const appendsOnceMore = withLogs((logs) => ({
  append: (batches) => logs.append(batches).catch(() => logs.append(batches)),
}));

const dropsWhatWaits: Wrong = (store) => {
  let closed = false;
  const credentials = instead(store.credentials, {
    async insert(row) {
      for (let turns = 0; turns < 8; turns++) await turn();
      if (closed) throw new LocalError("CLOSED", "the store is closed");
      await store.credentials.insert(row);
    },
  });
  const close = (): Promise<void> => {
    closed = true;
    return store.close();
  };
  return { ...store, credentials, close };
};

const refusesACommitTwice: Wrong = (store) => {
  const refused = new Set<string>();
  const sessions = instead(store.sessions, {
    async commit(id, epoch, change) {
      const { request } = change.refused ?? {};
      if (request !== undefined && refused.has(request)) throw new Error("duplicate key value");
      if (request !== undefined) refused.add(request);
      return store.sessions.commit(id, epoch, change);
    },
  });
  return { ...store, sessions };
};

const writesBehind: Wrong = (store) => {
  const waiting: CredentialRow[] = [];
  const flush = () => Promise.all(waiting.splice(0).map((row) => store.credentials.insert(row)));
  const credentials = instead(store.credentials, {
    async insert(row) {
      waiting.push(row);
      // In its place among all that was requested.
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
  "rings for what cannot be read yet": {
    wrong: ringsTooEarly,
    noticedBy: "an append to several logs rings for each, every time",
  },
  "rings for the first of several logs": {
    wrong: ringsForOneOfAnAppend,
    noticedBy: "an append to several logs rings for each, every time",
  },
  "passes over a record that it has lost": {
    wrong: passesOver,
    noticedBy: "P3: a missing record is reported, and neither skipped nor waited for",
  },
  "makes an append once more by itself": {
    wrong: appendsOnceMore,
    noticedBy:
      "J1: no break of the connection fences off the one writer, unless its append was rejected",
  },
  "drops what waits when it is closed": {
    wrong: dropsWhatWaits,
    noticedBy: "a close writes what waits",
  },
  "refuses a commit that it has made": {
    wrong: refusesACommitTwice,
    noticedBy: "a commit of a session that is made once more changes nothing",
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

/** Wraps stores of one kind as the other, each behind a connection that can break. */
function around(wrong: Wrong): Required<OpenStore> {
  const inner = new WeakMap<Store, { readonly file: Store; readonly wire: StoreBehindWire }>();
  const wrapped = (file: Store): Store => {
    const wire = new StoreBehindWire(file);
    const outer = wrong(wire.store);
    inner.set(outer, { file, wire });
    return outer;
  };
  const within = (store: Store): Store => inner.get(store)?.file ?? store;
  return {
    open: async () => wrapped(await inFile.open()),
    openLimited: async (kept) => wrapped(await inFile.openLimited(kept)),
    async reopen(store) {
      await store.close();
      return wrapped(await inFile.reopen(within(store)));
    },
    crash: async (store) => wrapped(await inFile.crash(within(store))),
    openTwice: async (store) => wrapped(await inFile.openTwice(within(store))),
    disconnect: async (store) => inner.get(store)?.wire.disconnect(),
    lose: async (store, job, seq) => wrapped(await inFile.lose(within(store), job, seq)),
  };
}

test.each(Object.entries(wrongs))(
  "a store that %s is detected",
  async (_, { wrong, noticedBy }) => {
    const storeCase = storeContract.find(({ name }) => name === noticedBy);
    await storeCase?.run(around((store) => store));
    await expect(storeCase?.run(around(wrong))).rejects.toThrow();
  },
);

const ofNeed = (need: StoreAbility) => storeContract.filter(({ needs }) => needs.includes(need));

test.each(ofNeed("disconnect"))("behind a connection that breaks: $name", (storeCase) =>
  storeCase.run(around((store) => store)),
);

test("a store that does not reconnect is detected", async () => {
  const good = around((store) => store);
  let broken = false;
  const lost = async () => {
    throw new Error("the connection broke");
  };
  const once: OpenStore = {
    async open() {
      const store = await good.open();
      const { jobs } = store;
      const list: typeof jobs.list = (query) => (broken ? lost() : jobs.list(query));
      return { ...store, jobs: instead(jobs, { list }) };
    },
    async disconnect() {
      broken = true;
    },
  };
  const storeCase = ofNeed("disconnect").find(({ name }) => name.startsWith("bells ring on"));
  await expect(storeCase?.run(once)).rejects.toThrow("the connection broke");
});

const ownerCase = ofNeed("openTwice")[0];

test("a store that two can open is detected", async () => {
  const store = memoryStore();
  const both: OpenStore = { open: async () => store, openTwice: async () => store };
  await expect(ownerCase?.run(both)).rejects.toThrow("two processes have it open");
});

test("a store that belongs to whoever opens it last is right as well", async () => {
  const inner = memoryStore();
  const failed = Promise.withResolvers<Error>();
  let isLost = false;
  const insert: Store["jobs"]["insert"] = async (row) => {
    if (isLost) throw new LocalError("CLOSED", "another process has opened it");
    await inner.jobs.insert(row);
  };
  const first = { ...inner, jobs: instead(inner.jobs, { insert }), failed: failed.promise };
  await ownerCase?.run({
    open: async () => first,
    async openTwice() {
      isLost = true;
      failed.resolve(new Error("another process has opened it"));
      return inner;
    },
  });
});
