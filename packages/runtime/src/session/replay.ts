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
  /** The start of every frame of the session. */
  readonly prefix: string;
  /** Whether the replay has to stop. */
  readonly stopped: () => boolean;
}

/**
 * Repeats what a session was sent and its client has not seen: the same records under the same numbers, according to the journal
 * (R-6.3-8). If any of them is gone, the replay ends with an error (P3).
 */
export class Replay {
  readonly #options: ReplayOptions;
  /** The frames of the next write, collected across runs: a run may be a single record long when jobs emit by turns. */
  #frames: Frame[] = [];
  #characters = 0;
  readonly #jobs = new Set<JobId>();
  /** Texts borrowed from the store, to be given back once the frames are sent. */
  #lent: LongText[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /**
   * Replays everything issued so far.
   * @param after the last `event_seq` that the client has
   * @returns the reason to end the connection, if there is one
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
    // The meaning of some number was removed meanwhile.
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
      // A message of the session itself has a number of its own.
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

  /** Whether this turn of the event loop is used up (J4). Checked directly before the work that spends from it. */
  get #waits(): boolean {
    const { turn, stopped } = this.#options;
    return turn.spent("projecting") && !stopped();
  }

  #add(frame: Frame): void {
    this.#frames.push(frame);
    this.#characters += lengthOf(frame);
  }

  /** @param last the highest number among the frames @returns whether the connection took them */
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
