import { execFile } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";

const running = promisify(execFile);

/** Milliseconds after which a command is taken to hang. */
const DEADLINE = 600_000;

/** Node by its path would not be the Node that a command such as `npm` starts by itself. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;

/**
 * Runs a command to its end. @returns what it printed
 *
 * @param env beside that of this process
 * @throws Error with all that it printed, when it fails
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
