import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import type { Cores } from "./cores.ts";

/** Where something was measured, and what. */
export interface Machine {
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  /** GiB. */
  readonly memory: number;
  readonly system: string;
  /** Whether server and generator had a core each. */
  readonly pinned: boolean;
  /** Of this repository, with a `+` if its sources had changed since. */
  readonly commit: string;
  /** Such as 2026-11-21. */
  readonly date: string;
}

export function thisMachine({ server }: Cores): Machine {
  return {
    node: process.version,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    pinned: server !== undefined,
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

export function machineText(machine: Machine): string {
  const { node, processor, cores, memory, system, pinned, commit } = machine;
  const where = pinned ? "a core each" : "not pinned to cores";
  return `commit ${commit}, Node ${node} on ${system}, ${cores} cores of ${processor}, ${memory} GiB; server and generator: ${where}`;
}

/** The page of results, which is no source. */
const PAGE = [":(top,exclude)bench/RESULTS.md", ":(top,exclude)bench/results"];

function commit(): string {
  const git = (...args: string[]): string => {
    const { status, stdout } = spawnSync("git", args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    return status === 0 ? stdout.trim() : "";
  };
  const changed = git("status", "--porcelain", "--", ":/", ...PAGE);
  const hash = git("rev-parse", "--short=12", "HEAD");
  return hash === "" ? "unknown" : changed === "" ? hash : `${hash}+`;
}
