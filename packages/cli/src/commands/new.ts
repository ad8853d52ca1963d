import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { writeStarter } from "../starter/starter.ts";
import { paintFor } from "../terminal.ts";
import { untilAborted } from "../until-aborted.ts";
import { ownVersion } from "../versions.ts";

const UNPUBLISHED = "0.0.0";

export function newCommand({ stdout, stderr, env, cwd, signal }: CommandContext): Command {
  return new Command("new")
    .description(
      "Creates a package with one agent, which has a budget and reports its progress, and a client for it.",
    )
    .argument("<directory>", "where to create it; has to be new or empty")
    .action(async (directory: string) => {
      const files = await untilAborted(writeStarter(directory, cwd), signal);
      const { bold, dim } = paintFor(stdout, env);
      const steps = [
        directory === "." ? [] : [`cd ${quoted(directory)}`],
        "npm install",
        "npm start",
      ].flat();
      const lines = [
        `Created ${bold(directory)}: ${dim(files.join(" "))}`,
        "",
        ...steps.map((step) => `  ${step}`),
      ];
      stdout.write(`${lines.join("\n")}\n`);
      if (ownVersion() === UNPUBLISHED) {
        stderr.write(
          "arcp: version 0.0.0 is not in a registry: `npm install` needs the packages of a clone, see the README of the repository\n",
        );
      }
    });
}

/** Quotes a text for a shell, if necessary. */
function quoted(text: string): string {
  return /^[\w./@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
