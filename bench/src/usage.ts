/** What a process has used so far. */
export interface Usage {
  /** Processor time of all its threads, microseconds. */
  readonly cpu: number;
  /** Resident memory, bytes. */
  readonly rss: number;
}

/**
 * What the process holds on to when all that nobody needs is gone, bytes.
 * @throws Error when Node was not started with `--expose-gc`
 */
export function heldByThisProcess(): number {
  if (globalThis.gc === undefined) throw new Error("this needs --expose-gc");
  // The second takes what the first one's finalizers let go of.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export function usageOfThisProcess(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss() };
}
