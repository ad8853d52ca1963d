import { extname } from "node:path";
import { sleep, systemClock } from "@arcp/core";
import type { Tool } from "@arcp/runtime";
import { z } from "zod";

const ClassifyInput = z.object({ names: z.array(z.string()) });
export const ClassifyOutput = z.object({ languages: z.array(z.string()) });

export interface ClassifyOptions {
  /** Milliseconds that each call takes, as if the tool asked a model or a service. */
  readonly latency: number;
  /** Called for each call, numbered from 1, just before it is answered. */
  readonly answering?: (call: number) => void;
}

/** A tool of the runtime: returns the languages of files by their names. */
export function classifier({ latency, answering }: ClassifyOptions): Tool {
  let calls = 0;
  return async (args, { signal }): Promise<z.infer<typeof ClassifyOutput>> => {
    const { names } = ClassifyInput.parse(args);
    if (latency > 0) await sleep(systemClock, latency, signal);
    calls += 1;
    answering?.(calls);
    return { languages: names.map(languageOf) };
  };
}

function languageOf(name: string): string {
  return byName.get(name) ?? byExtension.get(extname(name).toLowerCase()) ?? "other";
}

const byName = new Map([
  ["Dockerfile", "Docker"],
  ["Makefile", "Make"],
  ["LICENSE", "Text"],
  ["CMakeLists.txt", "CMake"],
]);

const byExtension = new Map(
  Object.entries({
    TypeScript: "ts tsx mts cts",
    JavaScript: "js jsx mjs cjs",
    Python: "py pyi",
    Rust: "rs",
    Go: "go",
    Java: "java",
    Kotlin: "kt kts",
    Swift: "swift",
    C: "c h",
    "C++": "cc cpp cxx hh hpp hxx",
    "C#": "cs",
    Ruby: "rb",
    PHP: "php",
    Perl: "pl pm",
    Lua: "lua",
    Scala: "scala",
    Haskell: "hs",
    Elixir: "ex exs",
    Erlang: "erl hrl",
    Zig: "zig",
    Shell: "sh bash zsh fish",
    SQL: "sql",
    HTML: "html htm",
    CSS: "css scss sass less",
    Vue: "vue",
    Svelte: "svelte",
    JSON: "json jsonc json5 jsonl",
    YAML: "yml yaml",
    TOML: "toml",
    XML: "xml xsd xsl svg",
    Markdown: "md mdx markdown",
    Text: "txt rst adoc",
    CMake: "cmake",
    Protobuf: "proto",
    GritQL: "grit",
  }).flatMap(([language, extensions]) =>
    extensions.split(" ").map((extension): [string, string] => [`.${extension}`, language]),
  ),
);
