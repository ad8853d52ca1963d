/** The life cycle of a job (section 7.3): from each status, those that may follow. */
export const transitions = {
  pending: ["running", "error", "cancelled", "timed_out"],
  running: ["success", "error", "cancelled", "timed_out"],
  success: [],
  error: [],
  cancelled: [],
  timed_out: [],
} as const satisfies Record<string, readonly string[]>;

/** The status of a job. */
export type JobStatus = keyof typeof transitions;
/** Every status that a job can have. */
export const jobStatuses = Object.keys(transitions) as readonly JobStatus[];
/** How a job ended. */
export type TerminalStatus = "success" | "error" | "cancelled" | "timed_out";

/** Whether a job of this status has ended. */
export function isTerminal(status: JobStatus): status is TerminalStatus {
  return transitions[status].length === 0;
}

/** Whether a job may move from one status to the other (R-7.3-1). */
export function canMove(from: JobStatus, to: JobStatus): boolean {
  return (transitions[from] as readonly JobStatus[]).includes(to);
}
