import type { Command } from "commander";
import type { Interrupts } from "./interrupts.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a command works with. */
export interface CommandContext extends Surroundings {
  /** Aborts at Ctrl-C, unless the command handles interrupts itself. The exit code is then 130, whatever is thrown. */
  readonly signal: AbortSignal;
  /** For a command that does something other than stop at Ctrl-C. */
  readonly interrupts: Interrupts;
  /** Sets the exit code. Without it, that is 0, or the code of the error that is thrown. */
  exit(code: number): void;
}

/** One command, as the table of `program.ts` lists it. */
export type CommandDefinition = (context: CommandContext) => Command;
