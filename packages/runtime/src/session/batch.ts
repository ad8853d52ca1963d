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
 * Of what one batch is made at most, but for its last record. It is one write: of large chunks in smaller ones the system takes an
 * eighth longer, and in larger ones whoever stops to read holds more memory.
 */
export const BATCH_LIMITS: PageLimits = { records: 256, characters: 512 * 1024 };

export interface BatchContext extends Rendering {
  /** Whether the client can be told of a delegated job at this moment. */
  introduces(): boolean;
}

/** What a projector numbers in one go. It touches nothing: the stream moves once the runs are durable (P1). */
export class Batch {
  readonly frames: Frame[] = [];
  readonly runs: Run[] = [];
  readonly cursors = new Map<Attachment, number>();
  /** What is followed no longer: the job's end is in it, or the subscription is lost. */
  readonly ended = new Set<Attachment>();
  /** Jobs that were delegated: the owner of the one that delegated them follows them from their first record on. */
  readonly children: Newcomer[] = [];
  /** Whose records are gone. */
  readonly lost: Attachment[] = [];
  /** Lent by the store, to be given back when its frames are sent. */
  readonly lent: LongText[] = [];
  readonly #stream: Stream;
  readonly #prefix: string;
  readonly #context: BatchContext;
  #next: number;
  #characters = 0;
  #read = 0;
  #warns = false;

  /** @param prefix of every frame of the session */
  constructor(stream: Stream, prefix: string, context: BatchContext) {
    this.#stream = stream;
    this.#prefix = prefix;
    this.#context = context;
    this.#next = stream.issued + 1;
  }

  /** The highest number in it. */
  get last(): number {
    return this.#next - 1;
  }

  /** Of all its frames together. */
  get characters(): number {
    return this.#characters;
  }

  /** Records that were looked at, hidden ones included. */
  get read(): number {
    return this.#read;
  }

  /** Whether it holds a notice that the client lags behind with its acks (R-6.5-7). */
  get warns(): boolean {
    return this.#warns;
  }

  /** Up to where it is known what the job has delegated, once the batch is handed over. */
  introducedOf(attachment: Attachment): number {
    return Math.max(attachment.introduced, this.cursors.get(attachment) ?? 0);
  }

  /** Whether the session knows a job as its owner once the batch is handed over. */
  knows(job: JobId): boolean {
    if (this.children.some(({ introduction }) => introduction.job_id === job)) return true;
    return this.#stream.attachments.knows(job);
  }

  /**
   * Records that it has still to see are gone.
   * @param live where it goes on in spite of that; undefined when it ends
   * @param newcomers the jobs that it learns of all the same
   */
  lose(attachment: Attachment, live: number | undefined, newcomers?: Newcomers): void {
    for (const child of newcomers?.missed ?? []) this.#introduce(child);
    this.lost.push(attachment);
    if (live === undefined) this.ended.add(attachment);
    else this.cursors.set(attachment, live);
  }

  /**
   * Numbers what this viewer may see of the records that follow `cursor`.
   * @param newcomers the jobs that it comes across with them
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
        // A notice stands behind the envelope that it is about, but nothing follows the end of a job (R-6.5-7).
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

  /** Right behind the record that tells of it, if that is read, and in front of everything of its own (R-10-2). It takes no number. */
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
