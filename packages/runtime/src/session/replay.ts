import type { LogStore } from "../store/index.ts";
import type { Turn } from "../turn.ts";
import { BATCH_LIMITS } from "./batch.ts";
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
      const end =
        span.said === undefined
          ? await this.#repeat(span, seq)
          : await this.#repeatSaid(span.said, seq);
      if (end !== undefined) return end;
      seq += span.count;
    }
    // What some number meant went meanwhile.
    if (seq <= issued) return { kind: "behind" };
    stream.repeated = Number.POSITIVE_INFINITY;
    return undefined;
  }

  async #repeat({ job, jobFrom, count }: Span, from: number): Promise<ProjectorEnd | undefined> {
    const { stream, outbox, logs, turn, prefix } = this.#options;
    const last = jobFrom + count - 1;
    let seq = from;
    for (let cursor = jobFrom - 1; cursor < last; ) {
      const records = Math.min(BATCH_LIMITS.records, last - cursor);
      const page = await logs.read(job, cursor, { ...BATCH_LIMITS, records });
      while (this.#waits) await turn.next();
      if (this.#options.stopped()) return { kind: "stopped" };
      if (page.floor > cursor || page.records.length === 0) return { kind: "behind" };
      const frames = page.records.map((record) =>
        renderFrame(prefix, seq++, job, record, this.#options),
      );
      cursor += page.records.length;
      void turn.spend("projecting", frames.length);
      stream.deliveries?.begin(job);
      const sent = await outbox.send(frames);
      stream.deliveries?.end(job);
      if (!sent) return { kind: "stopped" };
      for (const { long } of page.records) long?.giveBack();
      stream.repeated = seq - 1;
    }
    return undefined;
  }

  /** What the session said itself, under a number of its own. */
  async #repeatSaid(said: string, seq: number): Promise<ProjectorEnd | undefined> {
    const { stream, outbox, turn, prefix, stopped } = this.#options;
    while (this.#waits) await turn.next();
    if (stopped() || !(await outbox.send([`${prefix}${seq},${said}`]))) return { kind: "stopped" };
    stream.repeated = seq;
    return undefined;
  }

  /** Whether this turn of the event loop has nothing left (J4): asked right before the work that spends from it. */
  get #waits(): boolean {
    const { turn, stopped } = this.#options;
    return turn.spent("projecting") && !stopped();
  }
}
