/** What a process has used so far. */
export interface Usage {
  /** Processor time of all its threads, microseconds. */
  readonly cpu: number;
  /** Resident memory, bytes. */
  readonly rss: number;
}

export function usageOfThisProcess(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss() };
}
