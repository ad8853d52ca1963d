import { copyFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { JobId } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import { type SqliteStoreOptions, sqliteStore } from "@arcp/store-sqlite";
import type { KeptLog, OpenStore } from "../src/store-contract/index.ts";
import type { Scratch } from "./scratch.ts";

/** Stores in files, that outlive a close and a crash. There is no connection that could break. */
export class StoreInFile implements Required<Omit<OpenStore, "disconnect">> {
  readonly #scratch: Scratch;
  readonly #opened = new WeakMap<Store, { path: string; options: SqliteStoreOptions }>();

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  async open(): Promise<Store> {
    return this.#open(this.#scratch.newFile());
  }

  async openLimited(kept: KeptLog): Promise<Store> {
    return this.#open(this.#scratch.newFile(), limitsOf(kept));
  }

  async reopen(store: Store): Promise<Store> {
    const { path = "", options } = this.#opened.get(store) ?? {};
    await store.close();
    return this.#open(path, options);
  }

  async crash(store: Store): Promise<Store> {
    const { path = "", options } = this.#opened.get(store) ?? {};
    const image = this.#scratch.newFile();
    // What the system has: no statement is under way.
    for (const part of ["", "-wal"]) copyFileSync(path + part, image + part);
    await store.close();
    return this.#open(image, options);
  }

  async openTwice(store: Store): Promise<Store> {
    const { path = "", options } = this.#opened.get(store) ?? {};
    return this.#open(path, options);
  }

  async lose(store: Store, job: JobId, seq: number): Promise<Store> {
    const { path = "", options } = this.#opened.get(store) ?? {};
    await store.close();
    const database = new DatabaseSync(path);
    database
      .prepare("DELETE FROM records WHERE place = ((SELECT key FROM logs WHERE job = ?) << 32) + ?")
      .run(job, seq);
    database.close();
    return this.#open(path, options);
  }

  #open(path: string, options: SqliteStoreOptions = {}): Store {
    const store = sqliteStore(path, options);
    this.#opened.set(store, { path, options });
    return store;
  }
}

/** What a store is told to keep by the contract. */
export function limitsOf({ total, ...logLimits }: KeptLog): SqliteStoreOptions {
  return { logLimits, ...(total !== undefined && { totalLogCharacters: total }) };
}
