import type {
  CompletedCommand,
  CompletedOption,
  CompletedProgram,
  Value,
} from "./completed-command.ts";

/** Completion for zsh, by its own \`_arguments\`. */
export function zshCompletion({ options, commands }: CompletedProgram): string {
  return `#compdef arcp
# source <(arcp completion zsh)
_arcp() {
  if ((CURRENT == 2)); then
    local -a commands=(
${commands.map(({ name, description }) => `      ${quoted(`${name}:${description}`)}`).join("\n")}
    )
    if [[ $PREFIX == -* ]]; then
      _arguments ${options.flatMap(optionSpecs).join(" ")}
    else
      _describe command commands
    fi
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(commandCase).join("\n")}
  esac
}
if [[ $funcstack[1] == _arcp ]]; then _arcp "$@"; else compdef _arcp arcp; fi
`;
}

function commandCase({ name, options, argument, many }: CompletedCommand): string {
  const specs = options.flatMap(optionSpecs);
  if (argument !== undefined) specs.push(quoted(`${many ? "*" : 1}:${name}:${action(argument)}`));
  return `    ${name}) _arguments ${specs.join(" ")} ;;`;
}

/** Every option is offered repeatedly, because some can be repeated. */
function optionSpecs({ names, description, value }: CompletedOption): string[] {
  const explained = `[${description.replace(/[[\]\\]/g, "\\$&")}]`;
  return names.map((flag) => {
    if (value === undefined) return quoted(`${flag}${explained}`);
    const joined = flag.startsWith("--") ? "=" : "";
    return quoted(`*${flag}${joined}${explained}:value:${action(value)}`);
  });
}

function action(value: Value): string {
  switch (value.kind) {
    case "words":
      return `(${value.words.join(" ")})`;
    case "file":
      return "_files";
    case "directory":
      return "_files -/";
    case "free":
      // With a space, zsh would show a message and insert nothing.
      return "()";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
