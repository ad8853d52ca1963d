import { setTimeout } from "node:timers/promises";

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

/** What a process holds. */
export interface Memory {
  /** Resident, bytes. */
  readonly rss: number;
  /** JavaScript objects and buffers that are alive, bytes. */
  readonly heap: number;
}

/** @throws Error in a process without `--expose-gc` */
export async function memoryAtRest(): Promise<Memory> {
  if (globalThis.gc === undefined) throw new Error("start the process with --expose-gc");
  // What one collection frees may hold more through a finalizer, and pages are given back in the background.
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await setTimeout(50);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/** Milliseconds between two samples. */
const LOOK = 10;

/** The peak resident memory of a process while it was watched. */
export class PeakMemory {
  #bytes = 0;

  watch(): void {
    this.#look();
    setInterval(() => this.#look(), LOOK).unref();
  }

  get bytes(): number {
    this.#look();
    return this.#bytes;
  }

  #look(): void {
    this.#bytes = Math.max(this.#bytes, process.memoryUsage.rss());
  }
}
