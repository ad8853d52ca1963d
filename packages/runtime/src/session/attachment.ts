import type { JobId, MessageId } from "@arcp/core";
import type { AttachmentRow, LogPage, LogStore, Role } from "../store/index.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";

/** What is known of a new attachment besides its row. */
export interface Beginning {
  /** Up to which `job_seq` the session is owed nothing: it had read that before, or the job was not its own yet. */
  readonly seen?: number | undefined;
  /** Up to which `job_seq` this session already knows the job's delegations. */
  readonly introduced?: number | undefined;
  /** The head of the log at that time. */
  readonly head?: number | undefined;
  /** Whether the viewer was told that older history is missing (R-7.6-5). */
  readonly truncated?: boolean | undefined;
  /** The `promised` of the earlier attachment. */
  readonly promised?: number | undefined;
  /** Whether the store has no row for the attachment. */
  readonly derived?: boolean | undefined;
}

/** The time until the store has taken an attachment, and for good if it refuses it. */
interface Trial {
  readonly stored: Promise<void>;
  /** What the session followed before. */
  readonly before: Attachment | undefined;
  isRefused: boolean;
}

/** A session's subscription to a job: its role towards the job, and how far it has read. */
export class Attachment {
  readonly job: JobId;
  readonly role: Role;
  /** The `job.subscribe` request that created it. */
  readonly request: MessageId | undefined;
  /** How far the session had read before it requested history again. It is not owed anything up to there. */
  readonly seen: number;
  /** The head of the log when the attachment was made. If the log is shorter now, it has been removed. */
  readonly head: number;
  /** The store has no row for it: a session follows every job that it owns, and its runs tell how far. */
  readonly derived: boolean;
  /** Where the attachment begins, and the latest position where it may begin without missing what it was promised. */
  readonly #beginning: { readonly at: number; readonly latest: number };
  #cursor: number;
  #introduced: number;
  #trial: Trial | undefined;
  /** Stops listening to the log's bell; set while the session is connected. */
  #unlisten: (() => void) | undefined;

  constructor(row: AttachmentRow, beginning: Beginning = {}) {
    const { seen, introduced = 0, head = 0, truncated = false, derived = false } = beginning;
    const { promised = Number.POSITIVE_INFINITY } = beginning;
    this.job = row.job;
    this.role = row.role;
    this.request = row.request;
    this.#cursor = row.after;
    this.seen = seen ?? 0;
    this.#introduced = introduced;
    this.head = head;
    this.derived = derived;
    // Records emitted after the client was told of a gap are live: it was not told that they are missing. The same goes for an
    // earlier history.
    const latest = truncated ? Math.min(seen ?? head, promised) : row.after;
    this.#beginning = { at: row.after, latest };
  }

  /** The `job_seq` of the last record that was numbered, or skipped as hidden. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Up to which `job_seq` the owner knows the job's delegations, even while it reads some records again (R-10-2). */
  get introduced(): number {
    return this.#introduced;
  }

  /** Moves the attachment to `cursor`. By then it has seen every delegation up to there. */
  reach(cursor: number): void {
    this.#cursor = cursor;
    this.#introduced = Math.max(this.#introduced, cursor);
  }

  /** @param before the attachment that it replaces, and that replaces it if it cannot be stored */
  try(stored: Promise<void>, before: Attachment | undefined): void {
    const trial: Trial = { stored, before, isRefused: false };
    this.#trial = trial;
    stored.then(
      () => {
        this.#trial = undefined;
      },
      () => {
        trial.isRefused = true;
      },
    );
  }

  /** Resolves once the attachment is durable, rejects if it could not be stored; undefined if it is durable. */
  get stored(): Promise<void> | undefined {
    return this.#trial?.stored;
  }

  /** This attachment, or if it could not be stored, the one from before, which may itself not have been stored. */
  get lasting(): Attachment | undefined {
    return this.#trial?.isRefused ? this.#trial.before?.lasting : this;
  }

  /** Arms the bell of the job's log. @param rung called when there may be more to read */
  listen(logs: LogStore, rung: () => void): void {
    this.unlisten();
    this.#unlisten = logs.listen(this.job, rung);
  }

  /** Disarms the bell. */
  unlisten(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  /** Whether records after `cursor` that the session still has to see are gone (P3). */
  isBehind({ floor, head }: LogPage, cursor: number): boolean {
    return floor > this.startIn(floor, cursor) || head < Math.max(cursor, this.head);
  }

  /**
   * After which record to continue reading: `cursor`, or the floor if nothing was read yet and the viewer was told that older
   * history is missing. Records trimmed between that reply and the first page count as older history too.
   */
  startIn(floor: number, cursor: number): number {
    const { at, latest } = this.#beginning;
    return cursor === at && floor > cursor && floor <= latest ? floor : cursor;
  }

  /** The latest position where a replacement may begin without missing what this attachment still has to deliver. */
  get promised(): number {
    return this.startIn(this.#beginning.latest, this.cursor);
  }

  /** Where an owner continues live if all that it has lost belongs to a history that it requested again. */
  liveIn({ floor, head }: LogPage, cursor: number): number | undefined {
    const { seen } = this;
    const live = this.role === "owner" && seen > cursor && floor <= seen && seen <= head;
    return live ? seen : undefined;
  }
}

/** Whether the terminal record was read, so nothing is left to follow. Undefined if the last record read is lost. */
export async function isFinished(
  job: JobId,
  cursor: number,
  logs: Pick<ReadableLogStore, "read">,
): Promise<boolean | undefined> {
  if (cursor === 0) return false;
  const page = await logs.read(job, cursor - 1, { records: 1, characters: 1 });
  if (page.head !== cursor) return false;
  if (page.isEndLost) return undefined;
  return page.records[0]?.kind === "terminal";
}
