import { Command } from "commander";
import { agentsCommand } from "./commands/agents.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { completionCommand } from "./commands/completion.ts";
import { conformanceCommand } from "./commands/conformance.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { newCommand } from "./commands/new.ts";
import { resultCommand } from "./commands/result.ts";
import { serveCommand } from "./commands/serve.ts";
import { submitCommand } from "./commands/submit.ts";
import { tapCommand } from "./commands/tap.ts";
import { watchCommand } from "./commands/watch.ts";
import type { CommandContext, CommandDefinition } from "./context.ts";
import { exitCode } from "./exit-code.ts";
import { failureOf } from "./failure.ts";
import { Interrupts } from "./interrupts.ts";
import { type Surroundings, surroundings } from "./surroundings.ts";
import { paintFor, widthOf } from "./terminal.ts";
import { Unread } from "./unread.ts";
import { versions } from "./versions.ts";

/** The commands, in the order of the help. Each is a file of `commands/`. */
const commands: readonly CommandDefinition[] = [
  newCommand,
  serveCommand,
  agentsCommand,
  submitCommand,
  watchCommand,
  jobsCommand,
  cancelCommand,
  resultCommand,
  tapCommand,
  conformanceCommand,
  completionCommand,
];

/**
 * The `arcp` command.
 *
 * @param args what follows its name
 * @param given what is to be used in place of this process
 * @returns the exit code. Never rejects: what goes wrong is told, in one line unless it is a fault.
 */
export async function run(
  args: readonly string[],
  given: Partial<Surroundings> = {},
): Promise<number> {
  const around = surroundings(given);
  using interrupts = new Interrupts(around);
  using unread = new Unread(around.stdout, interrupts);
  const { signal } = interrupts;
  let code: number = exitCode.success;
  const exit = (told: number): void => {
    code = told;
  };
  try {
    await program({ ...around, signal, interrupts, exit }).parseAsync(args, { from: "user" });
    return unread.code ?? code;
  } catch (error) {
    if (unread.code !== undefined) return unread.code;
    if (signal.aborted) return exitCode.interrupted;
    const failure = failureOf(error);
    if (failure.text !== undefined) around.stderr.write(`arcp: ${failure.text}\n`);
    return failure.code;
  }
}

function program(context: CommandContext): Command {
  const arcp = new Command("arcp")
    .description("Serve agents, submit, watch and control their jobs, and test who runs them.")
    .version(versions(), "-V, --version", "the versions that run here, and where they come from");
  for (const define of commands) arcp.addCommand(define(context));
  adapt(arcp, context);
  return arcp;
}

/** Its output is ours, its exits are errors, and what is wrong takes one line. */
function adapt(command: Command, context: CommandContext): void {
  const { stdout, stderr, env } = context;
  command.configureHelp({ minWidthToWrap: 24 });
  command.exitOverride().configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
    outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}\n`),
    getOutHelpWidth: () => Math.min(widthOf(stdout), 100),
    getErrHelpWidth: () => Math.min(widthOf(stderr), 100),
    getOutHasColors: () => paintFor(stdout, env).isColorSupported,
    getErrHasColors: () => paintFor(stderr, env).isColorSupported,
  });
  for (const child of command.commands) adapt(child, context);
}
