import type { JobId } from "@arcp/core";
import type { Dialect } from "../dialect/dialect.ts";
import type { LogRecord } from "../store/index.ts";
import type { ReadableLogStore, ReadablePage } from "../store/readable-logs.ts";
import { type Attachment, isFinished } from "./attachment.ts";
import { BATCH_LIMITS, Batch, type BatchContext } from "./batch.ts";
import { mayBring, type Newcomers, type NewcomersContext, newcomersIn } from "./newcomers.ts";
import type { ReadyList } from "./ready-list.ts";
import type { Stream } from "./stream.ts";

/** The most records of one job in a batch while other jobs wait, so that a flood delays them by one batch only (J4). */
const QUANTUM = 64;

export interface GatheringContext extends NewcomersContext, BatchContext {
  readonly logs: ReadableLogStore;
  readonly dialect: Dialect;
}

/**
 * Gathers the batches of one connected session: reads the ready attachments round-robin, a quantum each, and numbers the records.
 * It changes nothing but the ready list.
 *
 * - **J4** It spends from the runtime's turn, as jobs do.
 * - **P3** A cursor below the kept log ends the attachment or the connection, loudly; nothing is skipped.
 */
export class Gathering {
  readonly #stream: Stream;
  readonly #prefix: string;
  readonly #ready: ReadyList;
  readonly #context: GatheringContext;

  /** @param prefix the start of every frame of the session */
  constructor(stream: Stream, prefix: string, ready: ReadyList, context: GatheringContext) {
    this.#stream = stream;
    this.#prefix = prefix;
    this.#ready = ready;
    this.#context = context;
  }

  /** @returns the next batch, or `behind` if records are gone and the connection has to end */
  async next(): Promise<Batch | "behind"> {
    const { logs, turn } = this.#context;
    const ready = this.#ready;
    const batch = new Batch(this.#stream, this.#prefix, this.#context);
    for (const attachment of ready) {
      const room = BATCH_LIMITS.records - batch.read;
      if (room <= 0 || batch.characters >= BATCH_LIMITS.characters || ready.isStopped) break;
      ready.delete(attachment);
      if (this.#stream.attachments.get(attachment.job) !== attachment) continue;
      // Ending the pause rings the bell again.
      if (this.#stream.pauses.has(attachment.job)) continue;
      // Its bell may keep ringing until the loss is reported.
      if (batch.ended.has(attachment) || batch.lost.includes(attachment)) continue;
      const cursor = batch.cursors.get(attachment) ?? attachment.cursor;
      const page = await logs.read(attachment.job, cursor, {
        records: ready.isEmpty ? room : Math.min(room, QUANTUM),
        characters: BATCH_LIMITS.characters - batch.characters,
      });
      if (attachment.isBehind(page, cursor)) {
        if (!(await this.#lose(attachment, cursor, page, batch))) return "behind";
        continue;
      }
      const start = attachment.startIn(page.floor, cursor);
      const coming = this.#newcomers(attachment, start, page.records, batch);
      const newcomers = coming && (await coming);
      // Checked directly before the work that spends: if checked earlier, everybody waiting for the turn would claim the same
      // budget.
      while (turn.spent("projecting") && !ready.isStopped) await turn.next();
      batch.add(attachment, start, page.records, newcomers);
      void turn.spend("projecting", page.records.length);
      if (start + page.records.length < page.head) ready.add(attachment);
    }
    return batch;
  }

  /** Handles the loss of records that the session still has to see (P3). @returns false if the connection has to end */
  async #lose(
    attachment: Attachment,
    cursor: number,
    page: ReadablePage,
    batch: Batch,
  ): Promise<boolean> {
    const { dialect, logs } = this.#context;
    const live = attachment.liveIn(page, cursor);
    const mayBeLost = attachment.role === "observer" && dialect.losesSubscriptions;
    if (live === undefined && !mayBeLost) return false;
    // If the job has ended too, nothing is left to continue with.
    const over = live === page.head && (await isFinished(attachment.job, live, logs)) !== false;
    const newcomers = await this.#newcomers(attachment, live ?? 0, [], batch);
    batch.lose(attachment, over ? undefined : live, newcomers);
    return true;
  }

  /** The jobs that the session learns of from these records, or from those that it skips; undefined if there can be none. */
  #newcomers(
    attachment: Attachment,
    start: number,
    records: readonly LogRecord[],
    batch: Batch,
  ): Promise<Newcomers> | undefined {
    const stretch = { attachment, introduced: batch.introducedOf(attachment), start, records };
    if (!mayBring(stretch)) return undefined;
    const knows = (job: JobId) => batch.knows(job);
    return newcomersIn(stretch, this.#stream.session, knows, this.#context);
  }
}
