import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Runs a Node program in place of this process: in the same terminal, in the directory the user called from,
 * and its exit code becomes ours.
 */
export function foreground(file, args, nodeFlags = []) {
  const child = spawn(process.execPath, [...nodeFlags, file, ...args], {
    stdio: "inherit",
    cwd: process.env.INIT_CWD ?? process.cwd(),
  });
  // The terminal sends Ctrl-C to the child as well; we outlive it to report how it ended.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
