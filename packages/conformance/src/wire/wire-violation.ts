import type { Violation } from "../sniffer/violation.ts";

/** Frames that a good peer would not have sent, and what led up to them. */
export class WireViolation extends Error {
  override readonly name = "WireViolation";
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[], transcript: string) {
    const lines = violations.map(
      ({ rule, sender, message, frame }) =>
        `${rule}, by the ${sender}: ${message}\n   ${frame.slice(0, 400)}`,
    );
    super(`${lines.join("\n")}\nThe last frames:\n${transcript}`);
    this.violations = violations;
  }
}
