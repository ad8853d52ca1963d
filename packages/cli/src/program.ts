import { Command } from "commander";
import type { CommandContext, CommandDefinition } from "./context.ts";
import { exitCode } from "./exit-code.ts";
import { failureOf } from "./failure.ts";
import { Interrupts } from "./interrupts.ts";
import { asTyped } from "./own-name.ts";
import { type Surroundings, surroundings } from "./surroundings.ts";
import { paintFor, widthOf } from "./terminal.ts";
import { Unread } from "./unread.ts";
import { untilAborted } from "./until-aborted.ts";
import { versions } from "./versions.ts";

/** A file of `commands/`, loaded only when needed: what one command needs would delay the others by half a second. */
interface Listed {
  readonly summary: string;
  readonly load: () => Promise<CommandDefinition>;
}

/** The commands, in the order of the help. */
const commands: Readonly<Record<string, Listed>> = {
  new: {
    summary: "create a starter project: an agent, a client and a server",
    load: async () => (await import("./commands/new.ts")).newCommand,
  },
  serve: {
    summary: "serve the agents that modules export",
    load: async () => (await import("./commands/serve.ts")).serveCommand,
  },
  agents: {
    summary: "list the agents you may submit to",
    load: async () => (await import("./commands/agents.ts")).agentsCommand,
  },
  submit: {
    summary: "submit a job and watch it",
    load: async () => (await import("./commands/submit.ts")).submitCommand,
  },
  watch: {
    summary: "show a job from its first event to its end",
    load: async () => (await import("./commands/watch.ts")).watchCommand,
  },
  jobs: {
    summary: "list your jobs",
    load: async () => (await import("./commands/jobs.ts")).jobsCommand,
  },
  cancel: {
    summary: "cancel a job",
    load: async () => (await import("./commands/cancel.ts")).cancelCommand,
  },
  result: {
    summary: "write the result of a job, waiting for it if necessary",
    load: async () => (await import("./commands/result.ts")).resultCommand,
  },
  tap: {
    summary: "show the frames between clients and a runtime",
    load: async () => (await import("./commands/tap.ts")).tapCommand,
  },
  conformance: {
    summary: "test whether a runtime conforms to the protocol",
    load: async () => (await import("./commands/conformance.ts")).conformanceCommand,
  },
  completion: {
    summary: "print a shell completion script",
    load: async () => (await import("./commands/completion.ts")).completionCommand,
  },
};

/**
 * The `arcp` command.
 *
 * @param args the arguments after its name
 * @param given replaces parts of this process
 * @returns the exit code. Never rejects: errors are reported, in one line unless they are bugs
 */
export async function run(
  args: readonly string[],
  given: Partial<Surroundings> = {},
): Promise<number> {
  const { stderr = process.stderr, env = process.env } = given;
  const told = (error: unknown): number => {
    const failure = failureOf(error);
    if (failure.text !== undefined) stderr.write(`arcp: ${asTyped(failure.text, env)}\n`);
    return failure.code;
  };
  try {
    return await runIn(surroundings(given), args, told);
  } catch (error) {
    return told(error);
  }
}

async function runIn(
  around: Surroundings,
  args: readonly string[],
  told: (error: unknown) => number,
): Promise<number> {
  using interrupts = new Interrupts(around);
  using unread = new Unread(around, interrupts);
  const { signal } = interrupts;
  let code: number = exitCode.success;
  const exit = (said: number): void => {
    code = said;
  };
  try {
    try {
      const arcp = await program(args, { ...around, signal, interrupts, exit });
      await Promise.race([arcp.parseAsync(asked(args), { from: "user" }), interrupts.insisted]);
    } catch (error) {
      if (signal.aborted || unread.code !== undefined) throw error;
      code = told(error);
    }
    // After an interrupt, a reader that reads no more is not waited for.
    const isLeft = signal.aborted || code === exitCode.interrupted;
    if (!isLeft) await untilAborted(written(around), signal);
    return unread.code ?? code;
  } catch {
    return unread.code ?? exitCode.interrupted;
  }
}

/** Resolves once the output is out, or has failed, of which a command that waits for nothing would not learn. */
function written({ stdout }: Surroundings): Promise<void> {
  return new Promise((resolve) => stdout.write("", () => setImmediate(resolve)));
}

async function program(args: readonly string[], context: CommandContext): Promise<Command> {
  const arcp = new Command("arcp")
    .description("Serve agents, submit, watch and control their jobs, and test runtimes.")
    .version(versions(), "-V, --version", "print the versions in use, and where each was found");
  const wanted = wantedBy(args);
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = wanted(name) ? (await load())(context) : new Command(name);
    arcp.addCommand(command.summary(summary));
  }
  adapt(arcp, context);
  return arcp;
}

/** For help on an unknown command, runs that command instead: the error about it is the answer. */
function asked(args: readonly string[]): readonly string[] {
  const [first, second = "help", ...others] = args;
  const isAnswered = first !== "help" || second === "help" || Object.hasOwn(commands, second);
  return isAnswered ? args : [second, ...others];
}

/** Other commands are only listed. */
function wantedBy(args: readonly string[]): (name: string) => boolean {
  const [first, second] = args.filter((arg) => !arg.startsWith("-"));
  // The completion script contains the flags of all commands.
  if (first === "completion") return () => true;
  const wanted = first === "help" ? second : first;
  return (name) => name === wanted;
}

/** Sends the output to our streams, turns exits into errors, and reports a mistake in one line. */
function adapt(command: Command, context: CommandContext): void {
  const { stdout, stderr, env } = context;
  command.configureHelp({ minWidthToWrap: 24 });
  command.exitOverride().configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
    outputError: (text, write) => write(asTyped(`arcp: ${misuse(text, command)}\n`, env)),
    getOutHelpWidth: () => Math.min(widthOf(stdout), 100),
    getErrHelpWidth: () => Math.min(widthOf(stderr), 100),
    getOutHasColors: () => paintFor(stdout, env).isColorSupported,
    getErrHasColors: () => paintFor(stderr, env).isColorSupported,
  });
  for (const child of command.commands) adapt(child, context);
}

/** Rewrites Commander's message in our form, and adds what would be right. */
function misuse(text: string, command: Command): string {
  const said = text
    .trim()
    .replaceAll("\n", " ")
    .replace(/^error: /, "")
    .replace(/ is invalid\. (?=[a-z])/, " is invalid: ");
  const path = command.parent === null ? "arcp" : `arcp ${command.name()}`;
  if (/^unknown (command|option) '[^']*'$/.test(said)) return `${said}: see \`${path} --help\``;
  if (!/^(missing required|too many) argument/.test(said)) return said;
  return `${said.replace(/\..*$/, "")}: usage is \`${path} ${command.usage()}\``;
}
