import { copyFileSync, existsSync } from "node:fs";
import { newJobId } from "@arcp/core";
import { memoryStore } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { type LogLimits, sqliteStore } from "@arcp/store-sqlite";
import { Scratch } from "./scratch.ts";

/** The stores that the scenarios are played on. */
export const stores = ["memory", "sqlite"] as const;
export type StoreName = (typeof stores)[number];

/** Where the processes of a scenario keep things, one after the other. */
export interface Shelf extends Disposable {
  /** The store of a new process, with what the one before it had made durable until now. */
  open(kept?: Partial<LogLimits>): Store;
}

/** Those of all shelves. */
const open = new Set<Store>();

/** Resolves once all that was committed until now, of dead processes too, is on the disk, and whoever wrote it was told. */
export async function durable(): Promise<void> {
  // A store tells of nothing that is not.
  await Promise.allSettled([...open].map(({ jobs }) => jobs.get(newJobId())));
}

export const shelves: Readonly<Record<StoreName, () => Shelf>> = {
  memory: () => ({
    open: (logLimits = {}) => memoryStore({ logLimits }),
    [Symbol.dispose]() {},
  }),
  sqlite: () => new SqliteShelf(),
};

/**
 * A process that dies leaves its file behind as it is at that moment, with a write-ahead log beside it. So the next store
 * is opened on a copy of both: the one before it may live on, unheard, and holds no lock that anybody minds.
 */
class SqliteShelf implements Shelf {
  readonly #scratch = new Scratch();
  readonly #stores: Store[] = [];
  #path: string | undefined;

  open(logLimits: Partial<LogLimits> = {}): Store {
    const left = this.#path;
    const path = this.#scratch.newFile();
    for (const part of left === undefined ? [] : ["", "-wal"]) {
      if (existsSync(left + part)) copyFileSync(left + part, path + part);
    }
    this.#path = path;
    const store = sqliteStore(path, { logLimits });
    this.#stores.push(store);
    open.add(store);
    return store;
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores) open.delete(store);
    this.#scratch[Symbol.dispose]();
  }
}
