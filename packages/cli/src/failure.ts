import { ArcpError, LocalError } from "@arcp/core";
import { CommanderError } from "commander";
import { exitCode } from "./exit-code.ts";
import { printable } from "./view/printable.ts";

/** What to tell the user about an error. */
export interface Failure {
  /** One line, or the stack for a bug in the command itself. Undefined if the user has already been told. */
  readonly text: string | undefined;
  readonly code: number;
}

/** The command was given something that cannot work. The message says what would. */
export function usage(message: string): LocalError {
  return new LocalError("MISUSE", message);
}

/** The only place that turns whatever was thrown into a line and an exit code. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) {
    const code = error.exitCode === 0 ? exitCode.success : exitCode.usage;
    return { text: undefined, code };
  }
  if (error instanceof ArcpError) {
    return { text: printable(refusal(error)), code: codeOf(error) };
  }
  if (error instanceof LocalError) {
    const code = error.code === "MISUSE" ? exitCode.usage : exitCode.connection;
    return { text: printable(error.message), code };
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return { text: `an internal error: ${stack}`, code: exitCode.fault };
}

/** What the runtime refuses, and what would be right if a command knows. */
function refusal({ code, message: told }: ArcpError): string {
  // The position in a frame means nothing to somebody who typed a command.
  const message = told.replace(/^payload\.(\S+: )(?:Invalid input: )?/, "$1");
  switch (code) {
    case "UNAUTHENTICATED":
      return `the token was refused: ${message}; pass --token, set ARCP_TOKEN, or choose a profile`;
    case "AGENT_NOT_AVAILABLE":
    case "AGENT_VERSION_NOT_AVAILABLE":
      return `${message}; \`arcp agents\` lists the agents on offer (${code})`;
    case "DUPLICATE_KEY":
      return `this --key was used before with other parameters: use another one (${code})`;
    case "JOB_NOT_FOUND":
      return `${message}; \`arcp jobs\` lists yours (${code})`;
    default:
      return `${message} (${code})`;
  }
}

/** A request that may succeed later is not the user's mistake. */
function codeOf({ retryable }: ArcpError): number {
  return retryable ? exitCode.connection : exitCode.usage;
}
