import assert from "node:assert/strict";
import { STEP } from "./agents.ts";
import type { Errand, Handle } from "./errand.ts";
import type { Tally } from "./tally.ts";

/** What one reader has seen of a job, over one handle or several: each event once and in order, or it throws. */
export class Reading {
  readonly #errand: Errand;
  readonly #tally: Tally;
  readonly #forgets: boolean;
  /** The job's number of the last event. */
  #position = 0;
  #step = 0;
  /** Whether the last thing that was read says that what follows it is gone for good. */
  #gap = false;
  /** Whether steps may have been in a gap. */
  #stepUnknown = false;

  /** @param forgets whether the runtime may have let go of events */
  constructor(errand: Errand, tally: Tally, forgets: boolean) {
    this.#errand = errand;
    this.#tally = tally;
    this.#forgets = forgets;
  }

  get position(): number {
    return this.#position;
  }

  get steps(): number {
    return this.#step;
  }

  /** The next handle begins with the first event again. */
  restart(): void {
    this.#position = 0;
    this.#step = 0;
    this.#gap = false;
    this.#stepUnknown = false;
  }

  /**
   * Reads a handle to its end.
   * @param seen called after every event
   * @throws AssertionError when an event is missing or comes twice
   * @throws what the handle's events fail with
   */
  async follow(handle: Handle, seen: () => void): Promise<void> {
    const { name, steps, cancelAfter } = this.#errand;
    for await (const event of handle.events) {
      if (event.kind === "history_lost") this.#lose(event.body.after);
      // A notice of the session's own has no number in the job.
      if (event.jobSeq === undefined) continue;
      this.#tally.add("events");
      this.#take(event.jobSeq);
      if (event.kind === STEP) this.#walk(Number(event.body["step"]));
      seen();
    }
    await handle.outcome();
    if (cancelAfter !== undefined || this.#stepUnknown) return;
    assert(this.#step === steps, `${name}: ${this.#step} steps came of ${steps}`);
  }

  #lose(after: number): void {
    const { name } = this.#errand;
    assert(this.#forgets, `${name}: history is lost behind ${after} that has to be kept`);
    assert(after === this.#position, `${name}: lost behind ${after}, and not ${this.#position}`);
    this.#tally.add("handles: history lost, and said so");
    this.#gap = true;
    this.#stepUnknown = true;
  }

  #take(jobSeq: number): void {
    const { name } = this.#errand;
    if (this.#gap)
      assert(jobSeq > this.#position + 1, `${name}: nothing was lost before ${jobSeq}`);
    else assert(jobSeq === this.#position + 1, `${name}: ${jobSeq} came behind ${this.#position}`);
    this.#gap = false;
    this.#position = jobSeq;
  }

  #walk(step: number): void {
    const { name } = this.#errand;
    if (this.#stepUnknown) assert(step > this.#step, `${name}: step ${step} behind ${this.#step}`);
    else assert(step === this.#step + 1, `${name}: step ${step} came behind ${this.#step}`);
    this.#stepUnknown = false;
    this.#step = step;
  }
}
