/** What the command's exit code says. */
export const exitCode = {
  /** Everything went well; if a job was waited for, it succeeded. */
  success: 0,
  /** The job failed. */
  jobFailed: 1,
  /** `conformance`: a MUST is broken. */
  mustBroken: 1,
  /** The command was not understood or cannot work as given, which includes what the runtime refuses. */
  usage: 2,
  /** `conformance`: a SHOULD or a MAY is broken, and no MUST. */
  shouldBroken: 3,
  /** No runtime was reached, or it cannot serve the request now. `serve`: its store has failed. */
  connection: 4,
  /** The job was cancelled. */
  cancelled: 5,
  /** The job ran longer than it was allowed to. */
  timedOut: 6,
  /** A bug in the command itself, or an exception that nobody caught. */
  fault: 70,
  /** Stopped by Ctrl-C; the code is the shells' convention. A submitted job goes on. */
  interrupted: 130,
  /** The reader of the output is gone; the code is the shells' convention. A submitted job goes on. */
  unread: 141,
} as const;
