import type { Frame, JobId } from "@arcp/core";
import { announce } from "../announcement.ts";
import type { LogRecord, LongText, PageLimits, Run } from "../store/index.ts";
import { traceIn } from "../store/record-text.ts";
import type { Attachment } from "./attachment.ts";
import { lengthOf } from "./frame.ts";
import { type Newcomer, withCredentials } from "./introduction.ts";
import type { Lag } from "./lag.ts";
import type { Newcomers } from "./newcomers.ts";
import type { Stream } from "./stream.ts";
import { isVisible, type Rendering, renderFrame } from "./view.ts";

/**
 * The limits of a batch, except for its last record. A batch is one write: with large chunks, smaller batches take the system an
 * eighth longer, and larger ones hold more memory for each client that stops reading.
 */
export const BATCH_LIMITS: PageLimits = { records: 256, characters: 512 * 1024 };

export interface BatchContext extends Rendering {
  /** Whether the client can be told of a delegated job right now. */
  introduces(): boolean;
}

/** What a projector numbers in one go. Building it has no side effects: the stream advances once the runs are durable (P1). */
export class Batch {
  readonly frames: Frame[] = [];
  readonly runs: Run[] = [];
  readonly cursors = new Map<Attachment, number>();
  /** Attachments to detach: the batch contains the job's end, or the subscription is lost. */
  readonly ended = new Set<Attachment>();
  /** Delegated jobs announced in this batch. The owner of the delegating job follows them from their first record on. */
  readonly children: Newcomer[] = [];
  /** Attachments whose next records are gone. */
  readonly lost: Attachment[] = [];
  /** Texts borrowed from the store, to be given back once the frames are sent. */
  readonly lent: LongText[] = [];
  readonly #stream: Stream;
  readonly #prefix: string;
  readonly #context: BatchContext;
  #next: number;
  #characters = 0;
  #read = 0;
  #warns = false;

  /** @param prefix the start of every frame of the session */
  constructor(stream: Stream, prefix: string, context: BatchContext) {
    this.#stream = stream;
    this.#prefix = prefix;
    this.#context = context;
    this.#next = stream.issued + 1;
  }

  /** The highest `event_seq` in the batch. */
  get last(): number {
    return this.#next - 1;
  }

  /** The total length of its frames. */
  get characters(): number {
    return this.#characters;
  }

  /** The number of records read, including hidden ones. */
  get read(): number {
    return this.#read;
  }

  /** Whether it contains a notice that the client's acks lag behind (R-6.5-7). */
  get warns(): boolean {
    return this.#warns;
  }

  /** Up to which `job_seq` the job's delegations will be known once the batch is handed over. */
  introducedOf(attachment: Attachment): number {
    return Math.max(attachment.introduced, this.cursors.get(attachment) ?? 0);
  }

  /** Whether the session will know the job as its owner once the batch is handed over. */
  knows(job: JobId): boolean {
    if (this.children.some(({ introduction }) => introduction.job_id === job)) return true;
    return this.#stream.attachments.knows(job);
  }

  /**
   * Handles the loss of records that the session still had to see.
   * @param live where the attachment continues nevertheless; undefined if it ends
   * @param newcomers the jobs that the session learns of nevertheless
   */
  lose(attachment: Attachment, live: number | undefined, newcomers?: Newcomers): void {
    for (const child of newcomers?.missed ?? []) this.#introduce(child);
    this.lost.push(attachment);
    if (live === undefined) this.ended.add(attachment);
    else this.cursors.set(attachment, live);
  }

  /**
   * Numbers those records after `cursor` that this viewer may see.
   * @param newcomers the jobs that these records announce
   */
  add(
    attachment: Attachment,
    cursor: number,
    records: readonly LogRecord[],
    newcomers?: Newcomers,
  ): void {
    const { job, role } = attachment;
    const { features, journal, lag } = this.#stream;
    const viewer = { features, role };
    this.#read += records.length;
    for (const child of newcomers?.missed ?? []) this.#introduce(child);
    let run = this.runs.at(-1) ?? journal.current;
    let jobSeq = cursor;
    for (const record of records) {
      jobSeq += 1;
      if (record.long !== undefined) this.lent.push(record.long);
      const terminal = record.kind === "terminal";
      if (isVisible(record, viewer)) {
        const crossed = !this.#warns && lag?.isCrossedBy(this.#next) ? lag : undefined;
        // The notice follows the envelope that it is about, unless that is the end of the job, which must come last (R-6.5-7).
        if (crossed && terminal) run = this.#warn(crossed, attachment, jobSeq, record);
        const continues =
          run !== undefined &&
          run.job === job &&
          run.role === role &&
          run.said === undefined &&
          run.from <= this.#next &&
          run.jobFrom + (this.#next - run.from) === jobSeq;
        if (!continues) {
          run = { from: this.#next, job, jobFrom: jobSeq, role };
          this.runs.push(run);
        }
        this.#push(renderFrame(this.#prefix, this.#next, job, record, this.#context));
        if (crossed && !terminal) run = this.#warn(crossed, attachment, jobSeq, record);
        const child = newcomers?.byRecord.get(record);
        if (child !== undefined) this.#introduce(child);
      }
      if (terminal) this.ended.add(attachment);
    }
    this.cursors.set(attachment, jobSeq);
  }

  /**
   * Announces a delegated job: directly after the record that delegates it, if that is read, and before any of its own (R-10-2).
   * Takes no number.
   */
  #introduce(child: Newcomer): void {
    this.children.push(child);
    if (!this.#context.introduces()) return;
    const { session, features } = this.#stream;
    const { vault } = this.#context;
    const frame = announce(session, withCredentials(child.introduction, features, vault));
    this.frames.push(frame);
    this.#characters += frame.length;
  }

  #warn(lag: Lag, { job, role }: Attachment, jobSeq: number, record: LogRecord): Run {
    const said = lag.notice(job, traceIn(record));
    const run = { from: this.#next, job, jobFrom: jobSeq, role, said };
    this.#warns = true;
    this.runs.push(run);
    this.#push(`${this.#prefix}${this.#next},${said}`);
    return run;
  }

  #push(frame: Frame): void {
    this.frames.push(frame);
    this.#characters += lengthOf(frame);
    this.#next += 1;
  }
}
