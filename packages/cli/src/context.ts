import type { Command } from "commander";
import type { Interrupts } from "./interrupts.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a command works with. */
export interface CommandContext extends Surroundings {
  /** Aborts at Ctrl-C, unless the command took the interrupts. Thereupon the exit code is 130, whatever is thrown. */
  readonly signal: AbortSignal;
  /** For a command that does something else at Ctrl-C than to stop. */
  readonly interrupts: Interrupts;
  /** Says the exit code; without it that is 0, or what the error that is thrown comes to. */
  exit(code: number): void;
}

/** One command, as the table of `program.ts` lists it. */
export type CommandDefinition = (context: CommandContext) => Command;
