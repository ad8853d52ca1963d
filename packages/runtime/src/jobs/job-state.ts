import { canMove, isTerminal, type JobStatus, type TerminalStatus } from "@arcp/core";
import type { LogLoss } from "./log-writer.ts";

/** The states of a job that has not ended. */
export const UNFINISHED: readonly JobStatus[] = ["pending", "running"];

/** The state of one job. Others are shown the durable state only (J2). */
export class JobState {
  #now: JobStatus = "pending";
  #durable: JobStatus;
  #leaving: "asked" | "done" | undefined;
  #loss: LogLoss | undefined;
  readonly #over = Promise.withResolvers<void>();

  /** @param durable the state according to the log of earlier attempts */
  constructor(durable: JobStatus = "pending") {
    this.#durable = durable;
  }

  /** The state according to the log: what a reply may show. */
  get durable(): JobStatus {
    return this.#durable;
  }

  get isPending(): boolean {
    return this.#now === "pending";
  }

  get isRunning(): boolean {
    return this.#now === "running";
  }

  get hasEnded(): boolean {
    return isTerminal(this.#now);
  }

  /** Whether the job still accepts events and operations. */
  get live(): boolean {
    return !this.hasEnded && this.#leaving !== "done";
  }

  /**
   * Set if the job is left to the next process: `asked` while its agent may still clean up, `done` when nothing is accepted any
   * more.
   */
  get leaving(): "asked" | "done" | undefined {
    return this.#leaving;
  }

  /** Set if the log or the index did not take the job's end, so that only this process knows it. */
  get loss(): LogLoss | undefined {
    return this.#loss;
  }

  /** Resolves when the final state is durable, or the job is lost or left to the next process. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Moves to `running`. @returns whether the job may begin */
  begin(): boolean {
    if (!canMove(this.#now, "running")) return false;
    this.#now = "running";
    return true;
  }

  end(status: TerminalStatus): void {
    this.#now = status;
  }

  /** A state is durable in the log. @param isIndexed whether the index has it too */
  committed(status: JobStatus, isIndexed: boolean): void {
    const ended = isTerminal(status);
    if (ended && !isIndexed) this.#loss = "refused";
    if (!isTerminal(this.#durable)) this.#durable = status;
    if (ended) this.#over.resolve();
  }

  /**
   * The log is lost: nothing can be reported any more, or another runtime does so.
   * @param status the final state to show, unless another runtime decides it
   */
  lose(loss: LogLoss, status: "error" | "cancelled"): void {
    this.#loss = loss;
    this.#now = status;
    if (loss !== "fenced") this.#durable = status;
    this.#over.resolve();
  }

  /** Begins to leave the job to the next process. */
  askToLeave(): void {
    this.#leaving = "asked";
  }

  /** Accepts nothing any more. */
  leave(): void {
    this.#leaving = "done";
  }

  /** Everything that the job left is durable. */
  left(): void {
    this.#over.resolve();
  }
}
