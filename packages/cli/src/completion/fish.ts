import type {
  CompletedCommand,
  CompletedOption,
  CompletedProgram,
  Value,
} from "./completed-command.ts";

/** Completion for fish. */
export function fishCompletion({ options, commands }: CompletedProgram): string {
  return `# arcp completion fish | source
# Whether the first word is that one; without one, whether there is none yet.
function __arcp_after
  set -l words (commandline -opc)
  test "$words[2]" = "$argv[1]"
end
complete -c arcp -f
${options.map((option) => optionLine("__arcp_after", option)).join("\n")}
${commands.flatMap(lines).join("\n")}
`;
}

function lines({ name, description, options, argument }: CompletedCommand): string[] {
  const within = `__arcp_after ${name}`;
  return [
    `complete -c arcp -n __arcp_after -a ${name} -d ${quoted(description)}`,
    ...options.map((option) => optionLine(within, option)),
    ...(argument === undefined || argument.kind === "free"
      ? []
      : [`complete -c arcp -n ${quoted(within)} ${candidates(argument)}`]),
  ];
}

function optionLine(condition: string, { names, description, value }: CompletedOption): string {
  const flags = names.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const takes = value === undefined ? "" : ` -r ${candidates(value)}`;
  return `complete -c arcp -n ${quoted(condition)} ${flags.join(" ")}${takes} -d ${quoted(description)}`;
}

function candidates(value: Value): string {
  switch (value.kind) {
    case "words":
      // Otherwise each word would have the description of the flag.
      return `-f -a ${quoted(value.words.map((word) => `${word}\\t`).join(" "))}`;
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
