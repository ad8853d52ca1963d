import type { RecordKind } from "../store/index.ts";
import type { Deadlines } from "./deadlines.ts";
import type { JobLog } from "./job-log.ts";
import type { JobState } from "./job-state.ts";
import type { Chunk } from "./record.ts";

export interface JobEventsOptions {
  readonly state: JobState;
  readonly log: JobLog;
  readonly deadlines: Deadlines;
  /** The events of the job that delegated it. */
  readonly parent: JobEvents | undefined;
}

/** What a job emits while it lives; later events are discarded (R-7.3-3). */
export class JobEvents {
  readonly #state: JobState;
  readonly #log: JobLog;
  readonly #deadlines: Deadlines;
  readonly #parent: JobEvents | undefined;
  #streamed = false;

  constructor({ state, log, deadlines, parent }: JobEventsOptions) {
    this.#state = state;
    this.#log = log;
    this.#deadlines = deadlines;
    this.#parent = parent;
  }

  /** Whether events are accepted now. */
  get open(): boolean {
    return this.#state.live;
  }

  /** Whether part of its result was streamed. */
  get streamed(): boolean {
    return this.#streamed;
  }

  /** Called before an operation that would emit events. @throws BackpressureError if an event would be refused now */
  checkRoom(): void {
    if (this.open) this.#log.checkRoom();
  }

  /**
   * Appends an event of the agent's.
   * @returns when the agent may continue; accepted, not delivered (J2)
   * @throws ArcpError `INVALID_REQUEST` if it is not JSON, or does not fit into one envelope
   * @throws BackpressureError with nothing accepted
   */
  emit(kind: string, body: object, recordKind?: RecordKind): Promise<void> {
    // Checked before any work, so that a loop that keeps running into it costs as little as possible.
    this.checkRoom();
    return this.say(kind, body, recordKind);
  }

  /**
   * Appends an event of the runtime's own, or of what has already happened, even if the backlog is full.
   * @returns as {@link emit}
   * @throws ArcpError as {@link emit}
   */
  say(kind: string, body: object, recordKind: RecordKind = "event"): Promise<void> {
    if (!this.open) return this.pass();
    const accepted = this.#log.event(kind, body, recordKind);
    this.#heard();
    return accepted;
  }

  /** Appends a piece of the result. @returns when the agent may continue */
  emitChunk(chunk: Chunk): Promise<void> {
    if (!this.open) return this.pass();
    const accepted = this.#log.chunk(chunk);
    this.#heard();
    if (!this.#streamed) {
      this.#streamed = true;
      this.#log.note("streamed");
    }
    return accepted;
  }

  /** Charges the turn for an event that is discarded because it came too late. @returns when the agent may continue (J4) */
  pass(): Promise<void> {
    return this.#log.pass();
  }

  /** Resolves once everything emitted so far is durable; rejects if the log is lost. */
  flush(): Promise<void> {
    return this.#log.flush();
  }

  /** Counts for all ancestors too: a job that waits for a working child is not stalled. */
  #heard(): void {
    this.#deadlines.heard();
    if (this.#parent !== undefined) this.#parent.#heard();
  }
}
