import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Dial } from "@arcp/core";
import { type SpawnOptions, spawnRuntime } from "../src/index.ts";

/** Where a program beside this file is. */
export function pathOf(program: string): string {
  return fileURLToPath(new URL(program, import.meta.url));
}

/** The runtime of `serve.ts` as a child process. */
export function spawned(args: readonly string[] = [], options: SpawnOptions = {}): Dial {
  return spawnRuntime(process.execPath, [pathOf("serve.ts"), ...args], options);
}

/** Whether the process is there, if only since the one that started it has not heard of its end. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether the process runs. */
export function runs(pid: number): boolean {
  // Whoever takes over the children of killed parents may take its time to wait for them.
  return exists(pid) && !/^\d+ \(.*\) Z/.test(statOf(pid));
}

/**
 * Resolves once `condition` holds: of a process that is not our child nobody tells when it ends.
 * @throws Error that says `otherwise` after a minute
 */
export async function until(
  condition: () => boolean,
  otherwise = `never came true: ${condition}`,
): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}
