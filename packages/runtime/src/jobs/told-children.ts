import type { JobId } from "@arcp/core";
import { unlessDamaged } from "../store/damage.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import { toldChildrenOf } from "./children.ts";

/** Knows which delegated jobs were accepted: those that their parents' logs tell of, and those of which that is lost. */
export class ToldChildren {
  readonly #store: Pick<ReadableStore, "jobs" | "logs">;
  readonly #byParent = new Map<JobId, ReadonlySet<JobId> | undefined>();

  constructor(store: Pick<ReadableStore, "jobs" | "logs">) {
    this.#store = store;
  }

  /** Whether a job was delegated, and nothing came to tell of it (R-10-2). */
  async lack({
    id,
    parent,
  }: {
    readonly id: JobId;
    readonly parent?: JobId | undefined;
  }): Promise<boolean> {
    if (parent === undefined) return false;
    if (!this.#byParent.has(parent)) this.#byParent.set(parent, await this.#of(parent));
    return this.#byParent.get(parent)?.has(id) === false;
  }

  async #of(parent: JobId): Promise<ReadonlySet<JobId> | undefined> {
    const { jobs, logs } = this.#store;
    // Of one that was removed the log is gone as well.
    const row = await unlessDamaged(jobs.get(parent));
    return row && (await toldChildrenOf(parent, logs));
  }
}
