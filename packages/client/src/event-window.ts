import type { JobEvent } from "./job-event.ts";

interface Kept {
  readonly event: JobEvent;
  readonly size: number;
}

/** How many forgotten entries may stay at the front of the array before it is compacted. */
const COMPACT_AFTER = 256;

/**
 * The latest events of a job: as many as a bound allows, but at least one. Each has an ordinal, consecutive from 0 in order of
 * arrival, since not every event has a `job_seq`.
 */
export class EventWindow {
  readonly #bound: number;
  #kept: (Kept | undefined)[] = [];
  #gone = 0;
  #first = 0;
  #size = 0;
  #forgotten: number;

  /**
   * @param bound how many characters of frames may be kept
   * @param after the `job_seq` after which the window begins
   */
  constructor(bound: number, after: number) {
    this.#bound = bound;
    this.#forgotten = after;
  }

  /** The ordinal of the oldest event in memory, or of the next one to come if there is none. */
  get first(): number {
    return this.#first;
  }

  /** The highest `job_seq` of a forgotten event, or the one after which the window began. */
  get forgotten(): number {
    return this.#forgotten;
  }

  at(ordinal: number): JobEvent | undefined {
    return this.#kept[this.#gone + ordinal - this.#first]?.event;
  }

  /** @param size the length of its frame, in characters */
  append(event: JobEvent, size: number): void {
    this.#kept.push({ event, size });
    this.#size += size;
    while (this.#size > this.#bound && this.#kept.length - this.#gone > 1) this.#forget();
  }

  /** Counts events that never arrived as forgotten, up to this `job_seq`. Works only while the window is empty. */
  skipTo(jobSeq: number): void {
    if (this.#kept.length > this.#gone || jobSeq <= this.#forgotten) return;
    this.#forgotten = jobSeq;
    this.#first += 1;
  }

  /**
   * The ordinal after the last event in memory that is not beyond this `job_seq`; if there is none, the first ordinal. An event
   * without a number, such as a report of lost history, belongs to the one that follows it.
   */
  ordinalBehind(jobSeq: number): number {
    const last = this.#kept.findLastIndex((kept) => (kept?.event.jobSeq ?? jobSeq + 1) <= jobSeq);
    return this.#first + Math.max(0, last + 1 - this.#gone);
  }

  #forget(): void {
    const kept = this.#kept[this.#gone];
    if (kept === undefined) return;
    this.#size -= kept.size;
    this.#forgotten = kept.event.jobSeq ?? this.#forgotten;
    this.#kept[this.#gone] = undefined;
    this.#gone += 1;
    this.#first += 1;
    if (this.#gone * 2 <= this.#kept.length + COMPACT_AFTER) return;
    this.#kept = this.#kept.slice(this.#gone);
    this.#gone = 0;
  }
}
