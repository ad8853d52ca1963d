import { Command } from "commander";
import type { CommandContext, CommandDefinition } from "./context.ts";
import { exitCode } from "./exit-code.ts";
import { failureOf } from "./failure.ts";
import { Interrupts } from "./interrupts.ts";
import { type Surroundings, surroundings } from "./surroundings.ts";
import { paintFor, widthOf } from "./terminal.ts";
import { Unread } from "./unread.ts";
import { versions } from "./versions.ts";

/**
 * The commands, in the order of the help. Each is a file of `commands/`, which is loaded when it is wanted: what one of them needs
 * would take the others half a second.
 */
const commands: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  new: async () => (await import("./commands/new.ts")).newCommand,
  serve: async () => (await import("./commands/serve.ts")).serveCommand,
  agents: async () => (await import("./commands/agents.ts")).agentsCommand,
  submit: async () => (await import("./commands/submit.ts")).submitCommand,
  watch: async () => (await import("./commands/watch.ts")).watchCommand,
  jobs: async () => (await import("./commands/jobs.ts")).jobsCommand,
  cancel: async () => (await import("./commands/cancel.ts")).cancelCommand,
  result: async () => (await import("./commands/result.ts")).resultCommand,
  tap: async () => (await import("./commands/tap.ts")).tapCommand,
  conformance: async () => (await import("./commands/conformance.ts")).conformanceCommand,
  completion: async () => (await import("./commands/completion.ts")).completionCommand,
};

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
  using unread = new Unread(around, interrupts);
  const { signal } = interrupts;
  let code: number = exitCode.success;
  const exit = (told: number): void => {
    code = told;
  };
  try {
    const arcp = await program(args, { ...around, signal, interrupts, exit });
    await arcp.parseAsync(args, { from: "user" });
    return unread.code ?? code;
  } catch (error) {
    if (unread.code !== undefined) return unread.code;
    if (signal.aborted) return exitCode.interrupted;
    const failure = failureOf(error);
    if (failure.text !== undefined) around.stderr.write(`arcp: ${failure.text}\n`);
    return failure.code;
  }
}

async function program(args: readonly string[], context: CommandContext): Promise<Command> {
  const arcp = new Command("arcp")
    .description("Serve agents, submit, watch and control their jobs, and test who runs them.")
    .version(versions(), "-V, --version", "the versions that run here, and where they come from");
  for (const load of wanted(args)) arcp.addCommand((await load())(context));
  adapt(arcp, context);
  return arcp;
}

/** The command that is named; all of them where it takes all to answer. */
function wanted(args: readonly string[]): (typeof commands)[string][] {
  const name = args.find((arg) => !arg.startsWith("-")) ?? "";
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const isOfAll = load === undefined || name === "completion";
  return isOfAll ? Object.values(commands) : [load];
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
