import type { Argument, Command, Option } from "commander";

/** What can be typed in a place: one of some words, a path, or anything else. */
export type Value =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" | "directory" | "free" };

export interface CompletedOption {
  /** As it is typed: `--port`, `-h`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined if it takes no value. */
  readonly value: Value | undefined;
}

/** What a shell has to know about a command to complete it. */
export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Undefined if it takes no argument. */
  readonly argument: Value | undefined;
  /** Whether more arguments may follow. */
  readonly many: boolean;
}

export interface CompletedProgram {
  /** Options that can stand in the place of a command. */
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
}

/** Everything that the program accepts, read from its own table, so that no completion is ever out of date. */
export function completedProgram(program: Command): CompletedProgram {
  const help = program.createHelp();
  const commands = help.visibleCommands(program).map((command) => {
    const [argument, second] = command.registeredArguments;
    return {
      name: command.name(),
      description: help.subcommandDescription(command),
      options: help.visibleOptions(command).map(completedOption),
      argument:
        command.name() === "help"
          ? { kind: "words", words: program.commands.map((one) => one.name()) }
          : argument && placeValue(argument, argument.name()),
      many: argument?.variadic === true || second !== undefined,
    } satisfies CompletedCommand;
  });
  return { options: help.visibleOptions(program).map(completedOption), commands };
}

function completedOption(option: Option): CompletedOption {
  const { short, long, description, flags, required, optional } = option;
  const placeholder = /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(flags)?.[1] ?? "";
  return {
    names: [long, short].filter((name) => name !== undefined),
    description,
    value: required || optional ? placeValue(option, placeholder) : undefined,
  };
}

/** The placeholder tells which values are paths. */
function placeValue(
  { argChoices }: Pick<Option | Argument, "argChoices">,
  placeholder: string,
): Value {
  if (argChoices !== undefined) return { kind: "words", words: argChoices };
  switch (placeholder) {
    case "file":
    case "modules":
      return { kind: "file" };
    case "directory":
      return { kind: "directory" };
    default:
      return { kind: "free" };
  }
}
