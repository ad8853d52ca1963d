import { Argument, Command } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { completedProgram } from "../completion/completed-command.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import type { CommandContext } from "../context.ts";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** Uses no library, because those for this evaluate what was typed so far, and start the program at every key press. */
export function completionCommand({ stdout }: CommandContext): Command {
  return new Command("completion")
    .description(
      "Prints a completion script. In ~/.bashrc: source <(arcp completion bash); in ~/.zshrc: source <(arcp completion zsh); in config.fish: arcp completion fish | source.",
    )
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(shells)))
    .action((shell: keyof typeof shells, _options: object, command: Command) => {
      stdout.write(shells[shell](completedProgram(command.parent ?? command)));
    });
}
