/** What the command's exit code says. */
export const exitCode = {
  /** All went well; of a job that was waited for: it succeeded. */
  success: 0,
  /** The job failed. */
  jobFailed: 1,
  /** `conformance`: a MUST is broken. */
  mustBroken: 1,
  /** The command was not understood, or cannot work as it was given: also what the runtime refuses. */
  usage: 2,
  /** `conformance`: a SHOULD or a MAY is broken, and no MUST. */
  shouldBroken: 3,
  /** There is no runtime there, or it cannot do it now. `serve`: its store has failed. */
  connection: 4,
  /** The job was cancelled. */
  cancelled: 5,
  /** The job ran longer than it was allowed to. */
  timedOut: 6,
  /** A fault of the command itself, or an exception that nobody caught. */
  fault: 70,
  /** Stopped by Ctrl-C, as the shells count it. A job that was submitted goes on. */
  interrupted: 130,
  /** Whoever read the output has had enough, as the shells count it. A job that was submitted goes on. */
  unread: 141,
} as const;
