import type { JobId } from "@arcp/core";
import type { JobChange, JobQuery, JobRow, ListedJob } from "@arcp/runtime/store";
import { DamagedRow, fitsQuery } from "@arcp/runtime/store";
import type { Connection } from "./connection.ts";
import { LISTED, listedJobIn } from "./job-row.ts";

/** A job that is not indexed yet, without its large columns. */
interface RecentJob {
  readonly key: number;
  readonly row: ListedJob;
}

/** The last indexed row; later rows have larger keys. Searches by key, which the `+` enforces. */
const LAST_INDEXED = "SELECT key FROM jobs WHERE +indexed = 1 ORDER BY key DESC LIMIT 1";
const LAST = "SELECT max(key) FROM jobs";
const BEHIND = `SELECT key, ${LISTED} FROM jobs WHERE key > ?`;
const INDEX = "UPDATE jobs SET indexed = 1 WHERE key > ?";

/** The most characters of inputs and checkpoints that may wait to be indexed, because indexing rewrites the whole row. */
const MOST_LARGE = 1024 * 1024;

/**
 * The newest jobs, which are not in the indexes of `jobs` yet: they are found in memory, and indexed together. Each index costs a
 * submit another page to wait for; jobs that are indexed together share these pages.
 *
 * Everything here is in the file as well. All changes are made within transactions; a failed one discards them.
 */
export class RecentJobs {
  readonly #connection: Connection;
  readonly #most: number;
  #loaded: Map<JobId, RecentJob> | undefined;
  #lastKey = 0;
  #lastIndexed = 0;
  /** Characters of the inputs and checkpoints added, even if cleared since. */
  #large = 0;

  /** @param most the most jobs that may wait to be indexed */
  constructor(connection: Connection, most: number) {
    this.#connection = connection;
    this.#most = most;
  }

  get(id: JobId): RecentJob | undefined {
    return this.#jobs.get(id);
  }

  /** @returns the jobs that match a query, ignoring its limit, in no particular order */
  find(query: JobQuery): ListedJob[] {
    const rows = [...this.#jobs.values()].map(({ row }) => row);
    return rows.filter((row) => fitsQuery(row, query));
  }

  /** Adds a job that is being inserted, and indexes the earlier ones if there are too many. @returns its key */
  add({ input, checkpoint, ...row }: JobRow): number {
    if (this.#jobs.size >= this.#most || this.#large > MOST_LARGE) this.#index();
    this.#weigh(input, checkpoint);
    this.#lastKey += 1;
    this.#jobs.set(row.id, { key: this.#lastKey, row });
    return this.#lastKey;
  }

  change(id: JobId, { input, checkpoint, ...change }: JobChange): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#weigh(input, checkpoint);
    this.#jobs.set(id, { ...job, row: { ...job.row, ...change } });
  }

  remove(id: JobId): void {
    this.#jobs.delete(id);
  }

  /** Drops the cache after a rollback: only the file is certain. */
  forget(): void {
    this.#loaded = undefined;
  }

  get #jobs(): Map<JobId, RecentJob> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  #load(): Map<JobId, RecentJob> {
    this.#lastIndexed = Number(this.#connection.value(LAST_INDEXED) ?? 0);
    // Keys are never reused, even when their job is gone.
    this.#lastKey = Math.max(this.#lastKey, Number(this.#connection.value(LAST) ?? 0));
    const rows = this.#connection.all(BEHIND, this.#lastIndexed);
    try {
      return new Map(
        rows.map((row) => {
          const listed = listedJobIn(row);
          return [listed.id, { key: Number(row["key"]), row: listed }];
        }),
      );
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      // Index them nevertheless: the indexes only need the readable columns.
      this.#connection.run(INDEX, this.#lastIndexed);
      this.#lastIndexed = this.#lastKey;
      return new Map();
    }
  }

  #index(): void {
    this.#connection.run(INDEX, this.#lastIndexed);
    this.#lastIndexed = this.#lastKey;
    this.#large = 0;
    this.#jobs.clear();
  }

  #weigh(input = "", checkpoint = ""): void {
    this.#large += input.length + checkpoint.length;
  }
}
