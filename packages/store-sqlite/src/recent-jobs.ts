import type { JobId } from "@arcp/core";
import type { JobChange, JobQuery, JobRow, ListedJob } from "@arcp/runtime/store";
import { DamagedRow, fitsQuery } from "@arcp/runtime/store";
import type { Connection } from "./connection.ts";
import { LISTED, listedJobIn } from "./job-row.ts";

/** A job that no index has, by its key, with what may be large left in the file. */
interface RecentJob {
  readonly key: number;
  readonly row: ListedJob;
}

/** The last row that the indexes have: those behind it have larger keys. By the order of the keys, and so not by any index. */
const LAST_INDEXED = "SELECT key FROM jobs WHERE +indexed = 1 ORDER BY key DESC LIMIT 1";
const LAST = "SELECT max(key) FROM jobs";
const BEHIND = `SELECT key, ${LISTED} FROM jobs WHERE key > ?`;
const INDEX = "UPDATE jobs SET indexed = 1 WHERE key > ?";

/** Characters of inputs and checkpoints that wait for their indexes: with the mark, a row is written once more, and all of it. */
const MOST_LARGE = 1024 * 1024;

/**
 * The newest jobs, which the indexes of `jobs` do not have yet: they are found in memory, and enter all indexes together. A job
 * in an index is a page more that its submit waits for, and one that many others share when they come at once.
 *
 * What is here is in the file as well. All changes are made within transactions, and of one that failed nothing is kept.
 */
export class RecentJobs {
  readonly #connection: Connection;
  readonly #most: number;
  #loaded: Map<JobId, RecentJob> | undefined;
  #lastKey = 0;
  #lastIndexed = 0;
  /** Of the inputs and checkpoints that came, with those that went again meanwhile. */
  #large = 0;

  /** @param most jobs that wait for their indexes */
  constructor(connection: Connection, most: number) {
    this.#connection = connection;
    this.#most = most;
  }

  get(id: JobId): RecentJob | undefined {
    return this.#jobs.get(id);
  }

  /** @returns those that a listing has, its limit apart, in no order */
  find(query: JobQuery): ListedJob[] {
    const rows = [...this.#jobs.values()].map(({ row }) => row);
    return rows.filter((row) => fitsQuery(row, query));
  }

  /** Makes room for a job that comes to the file. @returns its key */
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

  /** Nothing is certain but what is in the file. */
  forget(): void {
    this.#loaded = undefined;
  }

  get #jobs(): Map<JobId, RecentJob> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  #load(): Map<JobId, RecentJob> {
    this.#lastIndexed = Number(this.#connection.value(LAST_INDEXED) ?? 0);
    // A key is not given twice, also when the job that had it is gone.
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
      // The indexes need no more of it than what they are of.
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
