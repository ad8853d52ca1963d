import { spawnSync } from "node:child_process";

/** The processor cores of the two processes; undefined for any. */
export interface Cores {
  readonly server: number | undefined;
  readonly generator: number | undefined;
}

/** One core each, if the system can pin a process and has two cores to spare. */
export function chooseCores(): Cores {
  const canPin = [0, 1].every(
    (core) => spawnSync("taskset", ["-c", String(core), "true"]).status === 0,
  );
  return canPin ? { server: 1, generator: 0 } : { server: undefined, generator: undefined };
}
