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

/** Whether there is a connection at the moment. */
export type Connected = Extract<ConnectionState, { kind: "online" | "retrying" }>;

/** How a job is shown to a user who waits for it. */
export interface View extends Disposable {
  begin(job: ViewedJob): void;
  event(event: JobEvent): void;
  connection(state: Connected): void;
  /** Says what Ctrl-C does from now on. */
  keys(hint: string): void;
  /** A message of this command to the user. */
  note(text: string): void;
  end(outcome: JobOutcome): void;
}
