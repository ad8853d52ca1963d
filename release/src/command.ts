import { execFile } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";

const running = promisify(execFile);

/** Milliseconds after which a command is considered hung. */
const DEADLINE = 600_000;

/** If Node were run by its path, a command such as `npm` would itself start a different one. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;

/**
 * Runs a command to its end. @returns its output
 *
 * @param env in addition to that of this process
 * @throws Error with all its output, if it fails
 */
export async function command(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const options = {
      cwd,
      env: { ...process.env, PATH, ...env },
      maxBuffer: 64 * 1024 * 1024,
      timeout: DEADLINE,
    };
    return (await running(program, args, options)).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")} failed: ${error}\n${stdout}${stderr}`);
  }
}
