import type { RecordKind } from "../store/index.ts";
import type { Deadlines } from "./deadlines.ts";
import type { JobLog } from "./job-log.ts";
import type { JobState } from "./job-state.ts";
import type { Chunk } from "./record.ts";

export interface JobEventsOptions {
  readonly state: JobState;
  readonly log: JobLog;
  readonly deadlines: Deadlines;
  /** Those of the job that delegated it. */
  readonly parent: JobEvents | undefined;
}

/** What a job says while it lives; what comes after the end is discarded (R-7.3-3). */
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

  /** Whether what is said now is taken. */
  get open(): boolean {
    return this.#state.live;
  }

  /** Whether a piece of its result is out. */
  get streamed(): boolean {
    return this.#streamed;
  }

  /** Asked before an operation that would show on the stream. @throws BackpressureError when an event would not be taken now */
  checkRoom(): void {
    if (this.open) this.#log.checkRoom();
  }

  /**
   * Appends an event.
   * @param over lets it pass the backlog's bound: for what the runtime itself says, and for what is done already
   * @returns when the agent may go on; accepted, not delivered (J2)
   * @throws ArcpError `INVALID_REQUEST` when it is no JSON, or does not fit into one envelope
   * @throws BackpressureError with nothing accepted, never for what is `over`
   */
  emit(kind: string, body: object, recordKind: RecordKind = "event", over = false): Promise<void> {
    if (!this.open) return this.pass();
    const accepted = this.#log.event(kind, body, recordKind, over);
    this.#heard();
    return accepted;
  }

  /** Appends a piece of the result. @returns when the agent may go on */
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

  /** What comes too late is discarded, and takes of the turn all the same. @returns when the agent may go on (J4) */
  pass(): Promise<void> {
    return this.#log.pass();
  }

  /** Resolves once everything emitted so far is durable; rejects when the log is lost. */
  flush(): Promise<void> {
    return this.#log.flush();
  }

  /** Whoever waits for a delegated job that works is not stalled. */
  #heard(): void {
    this.#deadlines.heard();
    if (this.#parent !== undefined) this.#parent.#heard();
  }
}
