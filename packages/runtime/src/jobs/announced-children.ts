import type { JobId } from "@arcp/core";
import { unlessDamaged } from "../store/damage.ts";
import type { LogStore } from "../store/index.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import { delegatedIn } from "../store/record-text.ts";

/** The most to read from a log per page. */
const RECORDS = { records: 256, characters: 1024 * 1024 };

/**
 * Tells which delegated jobs were announced: those in their parents' logs, and those whose announcement may have been lost with
 * part of a log.
 */
export class AnnouncedChildren {
  readonly #store: Pick<ReadableStore, "jobs" | "logs">;
  readonly #byParent = new Map<JobId, Promise<ReadonlySet<JobId> | undefined>>();

  constructor(store: Pick<ReadableStore, "jobs" | "logs">) {
    this.#store = store;
  }

  /** Whether a job was delegated and never announced (R-10-2). */
  async lack({
    id,
    parent,
  }: {
    readonly id: JobId;
    readonly parent?: JobId | undefined;
  }): Promise<boolean> {
    if (parent === undefined) return false;
    const announced = this.#byParent.get(parent) ?? this.#of(parent);
    this.#byParent.set(parent, announced);
    try {
      return (await announced)?.has(id) === false;
    } catch (error) {
      this.#byParent.delete(parent);
      throw error;
    }
  }

  async #of(parent: JobId): Promise<ReadonlySet<JobId> | undefined> {
    const { jobs, logs } = this.#store;
    // A removed parent has no log either.
    const row = await unlessDamaged(jobs.get(parent));
    return row && (await announcedIn(parent, logs));
  }
}

/** The children that a log announces; undefined if the log has lost its beginning, so that nobody knows. */
async function announcedIn(parent: JobId, logs: LogStore): Promise<ReadonlySet<JobId> | undefined> {
  const announced = new Set<JobId>();
  for (let cursor = 0; ; ) {
    const { floor, head, records } = await logs.read(parent, cursor, RECORDS);
    for (const record of records) {
      const child = record.kind === "delegate" ? delegatedIn(record) : undefined;
      if (child !== undefined) announced.add(child);
      record.long?.giveBack();
    }
    if (floor > 0) return undefined;
    cursor += records.length;
    if (cursor >= head) return announced;
  }
}
