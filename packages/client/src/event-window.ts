import type { JobEvent } from "./job-event.ts";

interface Kept {
  readonly event: JobEvent;
  readonly size: number;
}

/** Forgotten entries that may stand in front before the rest is moved up. */
const COMPACT_AFTER = 256;

/**
 * The latest events of a job, as many as a bound allows and at least one. Each has an ordinal, dense from 0 in the order
 * of arrival, since not every event has a number in its job.
 */
export class EventWindow {
  readonly #bound: number;
  #kept: (Kept | undefined)[] = [];
  #gone = 0;
  #first = 0;
  #size = 0;
  #forgotten: number;

  /**
   * @param bound characters of frames
   * @param after the `job_seq` behind which the window begins
   */
  constructor(bound: number, after: number) {
    this.#bound = bound;
    this.#forgotten = after;
  }

  /** The ordinal of the oldest event that is kept; of the next one to come when there is none. */
  get first(): number {
    return this.#first;
  }

  /** The highest `job_seq` of what was let go of, or what the window began behind. */
  get forgotten(): number {
    return this.#forgotten;
  }

  at(ordinal: number): JobEvent | undefined {
    return this.#kept[this.#gone + ordinal - this.#first]?.event;
  }

  /** @param size characters of its frame */
  append(event: JobEvent, size: number): void {
    this.#kept.push({ event, size });
    this.#size += size;
    while (this.#size > this.#bound && this.#kept.length - this.#gone > 1) this.#forget();
  }

  /** Counts what never came as let go of: everything up to this `job_seq`. Only while nothing is kept. */
  skipTo(jobSeq: number): void {
    if (this.#kept.length > this.#gone || jobSeq <= this.#forgotten) return;
    this.#forgotten = jobSeq;
    this.#first += 1;
  }

  /**
   * The ordinal behind the last event that is kept up to this `job_seq`; of the first one when there is none. What has no
   * number, such as a word of lost history, belongs to what follows it.
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
