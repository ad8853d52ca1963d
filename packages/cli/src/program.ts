import { readFileSync } from "node:fs";
import { LocalError } from "@arcp/core";
import { Command, CommanderError } from "commander";
import { conformanceCommand } from "./conformance.ts";
import { exitCode } from "./exit-code.ts";
import type { Output } from "./output.ts";

/**
 * The `arcp` command.
 *
 * @param args what follows its name
 * @returns the exit code. Never rejects: what goes wrong is told, in one line unless it is a fault.
 */
export async function run(args: readonly string[], output: Output = process): Promise<number> {
  let code: number = exitCode.success;
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once("SIGINT", interrupted);
  try {
    await program(output, stop.signal, (told) => {
      code = told;
    }).parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (stop.signal.aborted) return exitCode.interrupted;
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCode.success : exitCode.usage;
    }
    if (!(error instanceof LocalError)) {
      output.stderr.write(
        `arcp: a fault of this command: ${error instanceof Error ? error.stack : error}\n`,
      );
      return exitCode.fault;
    }
    output.stderr.write(`arcp: ${error.message.split("\n", 1)}\n`);
    return error.code === "MISUSE" ? exitCode.usage : exitCode.connection;
  } finally {
    process.off("SIGINT", interrupted);
  }
}

function program(output: Output, signal: AbortSignal, exit: (code: number) => void): Command {
  const arcp = new Command("arcp")
    .description("Submit, watch and control jobs of agents, and test who runs them.")
    .version(version(), "-V, --version")
    .addCommand(conformanceCommand(output, signal, exit));
  for (const command of [arcp, ...arcp.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => void output.stdout.write(text),
      writeErr: (text) => void output.stderr.write(text),
    });
  }
  return arcp;
}

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
