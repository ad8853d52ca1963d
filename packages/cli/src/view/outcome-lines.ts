import type { JobOutcome } from "@arcp/client";
import { exitCode } from "../exit-code.ts";
import type { Paint } from "../terminal.ts";
import { bytes, json, printable } from "./printable.ts";

/** How the job ended, in one line. */
export function endLine(job: string, outcome: JobOutcome, { green, red, yellow }: Paint): string {
  switch (outcome.status) {
    case "success": {
      const summary = outcome.summary ? `: ${printable(outcome.summary)}` : "";
      return `${green(`✔ ${job} succeeded`)}${summary}`;
    }
    case "cancelled":
      return `${yellow(`✖ ${job} was cancelled`)}: ${printable(outcome.error.message)}`;
    case "timed_out":
      return `${red(`✖ ${job} timed out`)}: ${printable(outcome.error.message)}`;
    default: {
      const { code, message } = outcome.error;
      return `${red(`✖ ${job} failed`)}: ${printable(message)} (${printable(code)})`;
    }
  }
}

/** The result of the job; undefined if there is none. */
export function resultText(job: string, outcome: JobOutcome): string | undefined {
  if (outcome.status !== "success") return undefined;
  const { stream, result } = outcome;
  if (stream !== undefined) {
    const size = stream.size === undefined ? "" : `, ${bytes(stream.size)}`;
    return `the result was streamed${size}: \`arcp result ${job} > file\` saves it`;
  }
  return result === null || result === undefined ? undefined : json(result, 2);
}

/** The exit code for the outcome. */
export function codeOf({ status }: JobOutcome): number {
  switch (status) {
    case "success":
      return exitCode.success;
    case "cancelled":
      return exitCode.cancelled;
    case "timed_out":
      return exitCode.timedOut;
    default:
      return exitCode.jobFailed;
  }
}
