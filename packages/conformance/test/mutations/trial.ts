import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type Report, type RunOptions, runConformance, webSocketTarget } from "../../src/index.ts";
import type { Mutation } from "./mutation.ts";

/** Puts a runtime that is wrong, or the right one, to the scenarios about some requirements. */
export async function trial(
  mutation: Mutation | undefined,
  options: Omit<RunOptions, "signal">,
): Promise<Report> {
  const file = (name: string): string => new URL(name, import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", file("hooks.ts"), file("serve.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, MUTATION: mutation?.name ?? "" },
  });
  const ended = once(child, "exit");
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { value: url, done } = await lines.next();
    if (done) throw new Error(`the runtime did not start: ${mutation?.name}`);
    return await runConformance(webSocketTarget(url, ["A", "B"]), options);
  } finally {
    child.stdin.end();
    await ended;
  }
}
