import type { JobId, MessageId } from "@arcp/core";
import type { AttachmentRow, LogPage, LogStore, Role } from "../store/index.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";

/** What is known of an attachment besides its row when it is made. */
export interface Beginning {
  /** How far an earlier attachment to the job had read, in whose place it is; undefined when there was none. */
  readonly seen?: number | undefined;
  /** Up to where this very session knows what the job has delegated. */
  readonly introduced?: number | undefined;
  /** How far the log reached. */
  readonly head?: number | undefined;
  /** Whether its viewer was told that older history is missing (R-7.6-5). */
  readonly truncated?: boolean | undefined;
  /** What the earlier attachment was promised, as its `promised` tells. */
  readonly promised?: number | undefined;
  /** Whether the store has no row of it. */
  readonly derived?: boolean | undefined;
}

/** A session follows a job: who it is to it, and how far it has read. */
export class Attachment {
  readonly job: JobId;
  readonly role: Role;
  /** The `job.subscribe` that it came from. */
  readonly request: MessageId | undefined;
  /** The `job_seq` of the last record that was numbered or passed over as hidden. */
  cursor: number;
  /** Up to where it is known what the job has delegated, whatever of that is read once more; an owner's (R-10-2). */
  introduced: number;
  /** Where it had been before a history was asked for once more: nothing up to there is owed to it. */
  readonly seen: number;
  /** How far the log reached when the attachment was made: a shorter one has been removed. */
  readonly head: number;
  /** The store has no row of it: what a session owns it follows, and its runs tell how far. */
  readonly derived: boolean;
  /** Resolves once the attachment is durable, and rejects when it could not be stored; undefined from then on. */
  stored: Promise<void> | undefined;
  /** What is followed instead, if anything is, because this one could not be stored; undefined while it counts. */
  undone: { readonly before: Attachment | undefined } | undefined;
  /** Where it begins, and up to where it may begin instead without missing what it was promised. */
  readonly #beginning: { readonly at: number; readonly latest: number };
  /** Takes the bell down; set while the session is connected. */
  #unlisten: (() => void) | undefined;

  constructor(row: AttachmentRow, beginning: Beginning = {}) {
    const { seen, introduced = 0, head = 0, truncated = false, derived = false } = beginning;
    const { promised = Number.POSITIVE_INFINITY } = beginning;
    this.job = row.job;
    this.role = row.role;
    this.request = row.request;
    this.cursor = row.after;
    this.seen = seen ?? 0;
    this.introduced = introduced;
    this.head = head;
    this.derived = derived;
    // What was emitted after that word is live: nobody said that it is missing. Nor was it said to an earlier history.
    const latest = truncated ? Math.min(seen ?? head, promised) : row.after;
    this.#beginning = { at: row.after, latest };
  }

  /** It has read the job up to here, and come across all that was delegated. */
  reach(cursor: number): void {
    this.cursor = cursor;
    this.introduced = Math.max(this.introduced, cursor);
  }

  /** Arms the bell of the job's log. @param rung told that there may be more to read */
  listen(logs: LogStore, rung: () => void): void {
    this.unlisten();
    this.#unlisten = logs.listen(this.job, rung);
  }

  /** Takes the bell down. */
  unlisten(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  /** Whether something behind `cursor` that it has still to see is gone (P3). */
  isBehind({ floor, head }: LogPage, cursor: number): boolean {
    return floor > this.startIn(floor, cursor) || head < Math.max(cursor, this.head);
  }

  /**
   * Behind which record to read on: `cursor`, or the floor when nothing was read yet and the viewer knows that older
   * history is missing. What went between that word and the first page is no more than that.
   */
  startIn(floor: number, cursor: number): number {
    const { at, latest } = this.#beginning;
    return cursor === at && floor > cursor && floor <= latest ? floor : cursor;
  }

  /** Up to where one that takes its place may begin without missing what this one has still to tell. */
  get promised(): number {
    return this.startIn(this.#beginning.latest, this.cursor);
  }

  /** Where an owner goes on that is behind with nothing but a history that it asked for once more. */
  liveIn({ floor, head }: LogPage, cursor: number): number | undefined {
    const { seen } = this;
    const live = this.role === "owner" && seen > cursor && floor <= seen && seen <= head;
    return live ? seen : undefined;
  }
}

/** Whether the terminal record was read: then nothing is left to follow. Undefined when the last record that was read is lost. */
export async function isFinished(
  job: JobId,
  cursor: number,
  logs: ReadableLogStore,
): Promise<boolean | undefined> {
  if (cursor === 0) return false;
  const page = await logs.read(job, cursor - 1, { records: 1, characters: 1 });
  if (page.head !== cursor) return false;
  if (page.isEndLost) return undefined;
  return page.records[0]?.kind === "terminal";
}
