import { canMove, isTerminal, type JobStatus, type TerminalStatus } from "@arcp/core";
import type { LogLoss } from "./log-writer.ts";

/** The states of a job that has not ended. */
export const UNFINISHED: readonly JobStatus[] = ["pending", "running"];

/** Where one job stands. What others are told of it is durable (J2). */
export class JobState {
  #now: JobStatus = "pending";
  #durable: JobStatus;
  #leaving: "asked" | "done" | undefined;
  #loss: LogLoss | undefined;
  readonly #over = Promise.withResolvers<void>();

  /** @param durable what its log tells already, of an earlier attempt */
  constructor(durable: JobStatus = "pending") {
    this.#durable = durable;
  }

  /** The state as its log tells it: what a reply may say. */
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

  /** Whether the job still takes events and operations. */
  get live(): boolean {
    return !this.hasEnded && this.#leaving !== "done";
  }

  /** It is to be left to the next process: `asked` while its agent may still tidy up, `done` when nothing is taken any more. */
  get leaving(): "asked" | "done" | undefined {
    return this.#leaving;
  }

  /** Why its end stands nowhere but here, where the log, or the index, did not take it. */
  get loss(): LogLoss | undefined {
    return this.#loss;
  }

  /** Resolves when the final state is durable; also when the job is lost or left to the next process. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Its agent begins. @returns whether it may */
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
   * Nothing can be told of it any more; at least not here, where somebody else does.
   * @param status in which it will be found to have ended, where nobody else decides
   */
  lose(loss: LogLoss, status: "error" | "cancelled"): void {
    this.#loss = loss;
    this.#now = status;
    if (loss !== "fenced") this.#durable = status;
    this.#over.resolve();
  }

  /** It is asked to make room for the next process. */
  askToLeave(): void {
    this.#leaving = "asked";
  }

  /** It takes nothing any more. */
  leave(): void {
    this.#leaving = "done";
  }

  /** All that it left is durable. */
  left(): void {
    this.#over.resolve();
  }
}
