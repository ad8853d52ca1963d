/** What the command's exit code says. */
export const exitCode = {
  /** All went well. */
  success: 0,
  /** `conformance`: a MUST is broken. */
  mustBroken: 1,
  /** The command was not understood, or cannot work as it was given. */
  usage: 2,
  /** `conformance`: a SHOULD or a MAY is broken, and no MUST. */
  shouldBroken: 3,
  /** There is no runtime there. */
  connection: 4,
  /** A fault of the command itself. */
  fault: 70,
  /** Stopped by Ctrl-C, as the shells count it. */
  interrupted: 130,
} as const;
