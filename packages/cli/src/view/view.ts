import type { ConnectionState, JobEvent, JobOutcome } from "@arcp/client";
import type { Lease } from "@arcp/core";

/** What is known of a job when its view begins. */
export interface ViewedJob {
  readonly id: string;
  /** The resolved reference. */
  readonly agent: string;
  readonly lease: Lease;
  /** What remains of each currency. */
  readonly budget: Readonly<Record<string, number>>;
}

/** Whether there is a connection just now. */
export type Connected = Extract<ConnectionState, { kind: "online" | "retrying" }>;

/** How a job is shown while one waits for it. */
export interface View extends Disposable {
  begin(job: ViewedJob): void;
  event(event: JobEvent): void;
  connection(state: Connected): void;
  /** What Ctrl-C does from now on. */
  keys(hint: string): void;
  /** A word of this command to whoever sits in front of it. */
  note(text: string): void;
  end(outcome: JobOutcome): void;
}
