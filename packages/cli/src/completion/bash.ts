import type { CompletedCommand, CompletedProgram, Value } from "./completed-command.ts";

/** Completion for bash, with nothing but what bash itself has. What the user typed is never evaluated. */
export function bashCompletion({ options, commands }: CompletedProgram): string {
  return `# source <(arcp completion bash)
_arcp() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}"
  # --flag=value are three words to bash.
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]]; then
    prev="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    ${words([...commands.map(({ name }) => name), ...options.flatMap(({ names }) => names)])}
    return
  fi
  case "\${COMP_WORDS[1]} $prev" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.map(commandCase).join("\n")}
  esac
}
complete -F _arcp arcp
`;
}

function valueCases({ name, options }: CompletedCommand): string[] {
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return [];
    const patterns = names.map((flag) => `"${name} ${flag}"`).join(" | ");
    return [`    ${patterns}) ${reply(value)}; return ;;`];
  });
}

function commandCase({ name, options, argument }: CompletedCommand): string {
  const flags = words(options.flatMap(({ names }) => names));
  const otherwise = argument === undefined ? ":" : reply(argument);
  return `    ${name}) if [[ $cur == -* ]]; then ${flags}; else ${otherwise}; fi ;;`;
}

function reply(value: Value): string {
  switch (value.kind) {
    case "words":
      return words(value.words);
    case "file":
      return paths("-f");
    case "directory":
      return paths("-d");
    case "free":
      return ":";
  }
}

function words(candidates: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${candidates.join(" ")}" -- "$cur"))`;
}

/** Paths may contain spaces. An old bash has no `compopt` and adds no slash. */
function paths(kind: "-d" | "-f"): string {
  return `local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen ${kind} -- "$cur"))`;
}
