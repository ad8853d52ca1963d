import type { CompletedCommand, Value } from "./completed-command.ts";

/** Completion for fish. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  return `# arcp completion fish | source
complete -c arcp -f
${commands.flatMap(lines).join("\n")}
`;
}

function lines({ name, description, options, argument }: CompletedCommand): string[] {
  const within = `complete -c arcp -n '__fish_seen_subcommand_from ${name}'`;
  return [
    `complete -c arcp -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ...options.map(({ names, description: explained, value }) => {
      const flags = names.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const takes = value === undefined ? "" : ` -r ${candidates(value)}`;
      return `${within} ${flags.join(" ")}${takes} -d ${quoted(explained)}`;
    }),
    ...(argument === undefined || argument.kind === "free"
      ? []
      : [`${within} ${candidates(argument)}`]),
  ];
}

function candidates(value: Value): string {
  switch (value.kind) {
    case "words":
      return `-f -a ${quoted(value.words.join(" "))}`;
    case "file":
      return "-F";
    case "directory":
      return "-f -a '(__fish_complete_directories)'";
    case "free":
      return "-f";
  }
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
