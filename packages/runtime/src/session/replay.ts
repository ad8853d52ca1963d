import type { Frame, JobId } from "@arcp/core";
import type { LogStore, LongText } from "../store/index.ts";
import type { Turn } from "../turn.ts";
import { BATCH_LIMITS } from "./batch.ts";
import { lengthOf } from "./frame.ts";
import type { Span } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { ProjectorEnd } from "./projector-end.ts";
import type { Stream } from "./stream.ts";
import { type Rendering, renderFrame } from "./view.ts";

export interface ReplayOptions extends Rendering {
  readonly stream: Stream;
  readonly outbox: Outbox;
  readonly logs: LogStore;
  readonly turn: Turn;
  /** Of every frame of the session. */
  readonly prefix: string;
  /** Whether it has to stop. */
  readonly stopped: () => boolean;
}

/**
 * Repeats what a session was sent and its client has not seen: the same numbers with the same records, as the journal tells
 * (R-6.3-8). Where something of that is gone it ends, loudly (P3).
 */
export class Replay {
  readonly #options: ReplayOptions;
  /** What leaves in one write: of jobs that spoke by turns a run may be a record long. */
  #frames: Frame[] = [];
  #characters = 0;
  readonly #jobs = new Set<JobId>();
  /** Lent by the store, to be given back when its frames are sent. */
  #lent: LongText[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /**
   * Up to what is issued now.
   * @param after the last `event_seq` that the client has
   * @returns why the connection has to end, if it has to
   */
  async run(after: number): Promise<ProjectorEnd | undefined> {
    const { stream } = this.#options;
    const { journal, issued } = stream;
    let seq = after + 1;
    for (const span of journal.spans(seq, issued)) {
      const end = await this.#repeat(span, seq);
      if (end !== undefined) return end;
      seq += span.count;
    }
    if (!(await this.#send(seq - 1))) return { kind: "stopped" };
    // What some number meant went meanwhile.
    if (seq <= issued) return { kind: "behind" };
    stream.repeated = Number.POSITIVE_INFINITY;
    return undefined;
  }

  async #repeat(
    { job, jobFrom, count, said }: Span,
    from: number,
  ): Promise<ProjectorEnd | undefined> {
    const { logs, turn, prefix, stopped } = this.#options;
    let seq = from;
    while (seq < from + count) {
      const room = BATCH_LIMITS.records - this.#frames.length;
      const characters = BATCH_LIMITS.characters - this.#characters;
      if (room <= 0 || characters <= 0) {
        if (!(await this.#send(seq - 1))) return { kind: "stopped" };
        continue;
      }
      // What the session said itself has a number of its own.
      if (said !== undefined) {
        while (this.#waits) await turn.next();
        this.#add(`${prefix}${seq++},${said}`);
        void turn.spend("projecting", 1);
        continue;
      }
      const cursor = jobFrom - 1 + seq - from;
      const records = Math.min(room, from + count - seq);
      const page = await logs.read(job, cursor, { records, characters });
      while (this.#waits) await turn.next();
      if (stopped()) return { kind: "stopped" };
      if (page.floor > cursor || page.records.length === 0) {
        return (await this.#send(seq - 1)) ? { kind: "behind" } : { kind: "stopped" };
      }
      for (const record of page.records) {
        this.#add(renderFrame(prefix, seq++, job, record, this.#options));
        if (record.long !== undefined) this.#lent.push(record.long);
      }
      this.#jobs.add(job);
      void turn.spend("projecting", page.records.length);
    }
    return undefined;
  }

  /** Whether this turn of the event loop has nothing left (J4): asked right before the work that spends from it. */
  get #waits(): boolean {
    const { turn, stopped } = this.#options;
    return turn.spent("projecting") && !stopped();
  }

  #add(frame: Frame): void {
    this.#frames.push(frame);
    this.#characters += lengthOf(frame);
  }

  /** @param last the highest number in it @returns whether the connection took it */
  async #send(last: number): Promise<boolean> {
    const { stream, outbox, stopped } = this.#options;
    const frames = this.#frames;
    if (frames.length === 0) return true;
    if (stopped()) return false;
    this.#frames = [];
    this.#characters = 0;
    for (const job of this.#jobs) stream.deliveries?.begin(job);
    const sent = await outbox.send(frames);
    for (const job of this.#jobs) stream.deliveries?.end(job);
    this.#jobs.clear();
    if (!sent) return false;
    for (const text of this.#lent) text.giveBack();
    this.#lent = [];
    stream.repeated = last;
    return true;
  }
}
