/** The life of a job as data (section 7.3). */
export const transitions = {
  pending: ["running", "error", "cancelled", "timed_out"],
  running: ["success", "error", "cancelled", "timed_out"],
  success: [],
  error: [],
  cancelled: [],
  timed_out: [],
} as const satisfies Record<string, readonly string[]>;

/** Where a job is in its life. */
export type JobStatus = keyof typeof transitions;
/** All states that a job can be in. */
export const jobStatuses = Object.keys(transitions) as readonly JobStatus[];
/** How a job ended. */
export type TerminalStatus = "success" | "error" | "cancelled" | "timed_out";

/** Whether a job of this status has ended. */
export function isTerminal(status: JobStatus): status is TerminalStatus {
  return transitions[status].length === 0;
}

/** Whether the table has an arrow between the two states (R-7.3-1). */
export function canMove(from: JobStatus, to: JobStatus): boolean {
  return (transitions[from] as readonly JobStatus[]).includes(to);
}
