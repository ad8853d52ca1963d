import { ArcpError, LocalError } from "@arcp/core";
import { CommanderError } from "commander";
import { exitCode } from "./exit-code.ts";
import { printable } from "./view/printable.ts";

/** What is to be told of an error. */
export interface Failure {
  /** One line, or, for a fault of the command itself, its stack. Undefined when it has been told. */
  readonly text: string | undefined;
  readonly code: number;
}

/** The command was given what cannot work. The message says what would. */
export function usage(message: string): LocalError {
  return new LocalError("MISUSE", message);
}

/** The only funnel from whatever was thrown to a line and an exit code. */
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

/** What the runtime refuses, and what would be right where a command knows. */
function refusal({ code, message: told }: ArcpError): string {
  // Where in a frame it was concerns nobody who typed a command.
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

/** What may succeed later is no mistake of whoever asked. */
function codeOf({ retryable }: ArcpError): number {
  return retryable ? exitCode.connection : exitCode.usage;
}
